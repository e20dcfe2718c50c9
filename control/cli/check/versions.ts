import type { Check } from './check.ts'
import type { Facts } from './facts.ts'
import { Findings } from './finding.ts'

const says = new Findings('versions')
/** Ids that a message names. */
const MAX_NAMED = 5

/** Does every part of the mesh run the same version? */
export const versionsCheck: Check = {
  name: 'versions',
  run(_machine, facts) {
    const builds = buildsOf(facts)
    const own = facts.asked.version
    const others = [...builds].filter(([build]) => build !== own)
    if (others.length > 0)
      return others.map(([build, who]) =>
        says.warning(
          `${listed(who)} ${who.length === 1 ? 'runs' : 'run'} ${build}, this command is ${own}`,
          'bring all parts to one version; sidecars may be restarted one after another',
        ),
      )
    return [
      builds.size === 0
        ? says.skipped(`this command is ${own}; nothing answered to compare it with`)
        : says.ok(`all ${own}: ${listed(builds.get(own) ?? [])}`),
    ]
  },
}

/** Who runs which version. Only what is connected now counts. */
function buildsOf({ control, sidecar, proxies }: Facts): ReadonlyMap<string, string[]> {
  const builds = new Map<string, string[]>()
  const add = (build: string, who: string) => {
    const known = builds.get(build) ?? []
    if (!known.includes(who)) builds.set(build, [...known, who])
  }
  if (control.state === 'there') add(control.value.version?.version ?? 'an older version', 'the control plane')
  for (const { id, build, isConnected } of proxies ?? []) if (isConnected && build !== '') add(build, id)
  const node = sidecar.state === 'there' ? sidecar.value.node : null
  if (node !== null) add(node.build, node.id)
  return builds
}

function listed(who: readonly string[]): string {
  const more = who.length > MAX_NAMED ? ` and ${who.length - MAX_NAMED} more` : ''
  return `${who.slice(0, MAX_NAMED).join(', ')}${more}`
}
