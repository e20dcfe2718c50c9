import type { ConfigurationState } from '../../../proxy/xds/client.ts'
import type { ProxyStatus } from '../../xds/status.ts'
import type { Check } from './check.ts'
import { type Finding, Findings } from './finding.ts'
import { isRefusing } from './sidecars.ts'

const says = new Findings('configuration')

/** Does the sidecar run what the control plane has? */
export const configurationCheck: Check = {
  name: 'configuration',
  run(_machine, facts) {
    const { sidecar } = facts
    if (sidecar.state !== 'there') return [says.skipped('no sidecar was asked')]
    const { configuration: state, node } = sidecar.value
    const own = facts.proxies?.find(each => each.id === node?.id && each.isConnected) ?? null
    const findings = [...refusalsOf(state, own), ...(state.isConnected ? behind(state, own) : [lost(state)])]
    if (findings.length > 0) return findings
    return [says.ok(`revision ${state.revision}, from ${state.source === 'disk' ? 'its copy on disk' : 'the control plane'}`)]
  },
}

function refusalsOf(state: ConfigurationState, own: ProxyStatus | null): Finding[] {
  if (state.refusal !== null) return [refused(state)]
  const { lastNack, inForceSince } = state
  // The last refusal stays when it is long mended: the control plane knows better whether it has been.
  const isRefused = own === null ? lastNack !== null && lastNack.at >= (inForceSince ?? 0) : isRefusing(own)
  const message = own?.lastNack?.message ?? lastNack?.message ?? ''
  if (!isRefused) return []
  return [
    says.fault(
      `the sidecar refuses its latest configuration and keeps the one before: ${message}`,
      'correct the document that is named, and apply it again',
    ),
  ]
}

function behind(state: ConfigurationState, own: ProxyStatus | null): Finding[] {
  if (state.refusal !== null || own === null || own.inSync || isRefusing(own)) return []
  return [
    says.warning(
      `the sidecar runs revision ${own.version} and has not answered a later one yet`,
      'ask again in a moment; where it stays so, `outrider proxies` says why',
    ),
  ]
}

function refused({ refusal, storeId, revision }: ConfigurationState): Finding {
  const runs = `it goes on with revision ${revision} of ${storeId}`
  const what = refusal === 'foreign-store' ? 'another store' : 'an earlier revision than its own'
  return says.fault(
    `the control plane has ${what}, so the sidecar does not follow it: ${runs}`,
    'restore the store, or make sidecars follow this one by `outrider control --adopt`',
  )
}

function lost({ revision, ageMs, source }: ConfigurationState): Finding {
  if (source === 'none')
    return says.fault(
      'the sidecar has no configuration: it is not connected to a control plane and has no copy on disk',
      'start the control plane; --data-dir keeps a copy for the next time',
    )
  const age = ageMs === null ? '' : `, confirmed ${Math.round(ageMs / 1_000)} s ago`
  return says.warning(
    `the sidecar has lost its control plane; it goes on with revision ${revision}${age}`,
    'start the control plane, or see the finding of xds; until then no change reaches this sidecar',
  )
}
