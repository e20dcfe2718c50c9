import type { ProxyStatus } from '../../xds/status.ts'
import { warningsOf } from '../proxies.ts'
import type { Check } from './check.ts'
import { type Finding, Findings } from './finding.ts'

const says = new Findings('sidecars')
const SEE = '`outrider proxies` shows each of them'

/** What the control plane knows of the sidecars; of one service where --service names it. */
export const sidecarsCheck: Check = {
  name: 'sidecars',
  run(_machine, { asked: { service }, proxies }) {
    if (proxies === null) return [says.skipped('no control plane to ask')]
    const asked = proxies.filter(each => service === null || `${each.namespace}/${each.service}` === service)
    const connected = asked.filter(each => each.isConnected)
    const of = service === null ? '' : ` of ${service}`
    if (connected.length === 0)
      return [
        service === null
          ? says.ok('none is connected to the control plane')
          : says.fault(
              `no sidecar${of} is connected to the control plane`,
              `start one with --service, or look at the name: ${known(proxies)}`,
            ),
      ]
    const troubles = troublesOf(connected, of)
    return troubles.length > 0 ? troubles : [says.ok(`${connected.length}${of} connected, all in sync`)]
  },
}

/** Whether it has refused what it does not run yet: the last refusal stays in its status when it is long mended. */
export function isRefusing({ inSync, lastNack, version }: ProxyStatus): boolean {
  return !inSync && lastNack !== null && lastNack.revision >= Number(version)
}

function troublesOf(connected: readonly ProxyStatus[], of: string): Finding[] {
  const findings: Finding[] = []
  const refusing = connected.filter(isRefusing)
  const late = connected.filter(each => !each.inSync && !isRefusing(each))
  const [first] = refusing
  if (first !== undefined)
    findings.push(
      says.fault(
        `${refusing.length} of ${connected.length}${of} refuse their configuration; ${first.id}: ${first.lastNack?.message}`,
        `correct the document that is named; ${SEE}`,
      ),
    )
  if (late.length > 0)
    findings.push(
      says.warning(`${late.length} of ${connected.length}${of} do not run the present revision yet`, `ask again in a moment; ${SEE}`),
    )
  for (const warning of warningsOf(connected)) findings.push(says.warning(warning, SEE))
  return findings
}

/** Services that a message names. */
const MAX_NAMED = 10

function known(proxies: readonly ProxyStatus[]): string {
  const names = [...new Set(proxies.map(each => `${each.namespace}/${each.service}`))].sort()
  if (names.length === 0) return 'no service is known'
  return `known are ${names.slice(0, MAX_NAMED).join(', ')}${names.length > MAX_NAMED ? ', ...' : ''}`
}
