import { isIP } from 'node:net'
import { isLoopback } from '../../../proxy/net/address.ts'
import type { Check } from './check.ts'
import type { Facts } from './facts.ts'
import { type Finding, Findings } from './finding.ts'
import type { Looked, Machine } from './machine.ts'

const says = new Findings('dns')

/** Do names resolve: localhost, those that were named, and any at all? */
export const dnsCheck: Check = {
  name: 'dns',
  async run(machine, { asked }) {
    const [local, named, resolver] = await Promise.all([
      machine.lookup('localhost'),
      lookUpNamed(machine, asked),
      machine.resolverFailure(),
    ])
    const findings = [...localhostOf(local), ...named, ...resolverOf(resolver, machine.dnsServers)]
    return findings.length > 0 ? findings : [says.ok(`localhost is this machine, and ${serversText(machine.dnsServers)} answers`)]
  },
}

function localhostOf(looked: Looked): Finding[] {
  const fix = 'give the hosts file the line `127.0.0.1 localhost`'
  if (!looked.ok) return [says.fault(`localhost does not resolve: ${looked.why}`, fix)]
  const foreign = looked.addresses.filter(address => !isLoopback(address))
  return foreign.length === 0 ? [] : [says.fault(`localhost is ${foreign.join(', ')}, which is not this machine alone`, fix)]
}

/** Names among the addresses that flags have. */
async function lookUpNamed(machine: Machine, { api, control, app }: Facts['asked']): Promise<Finding[]> {
  const hosts = new Map([
    [new URL(api.url).hostname.replace(/^\[|\]$/g, ''), '--api'],
    [control.address.host, '--control'],
    ...(app === null ? [] : ([[app.host, '--app']] as const)),
  ])
  const names = [...hosts].filter(([host]) => isIP(host) === 0 && host !== 'localhost')
  const found = await Promise.all(
    names.map(async ([host, flag]) => {
      const looked = await machine.lookup(host)
      return looked.ok ? [] : [says.fault(`${host} (${flag}) does not resolve: ${looked.why}`, `correct ${flag}, or the name server`)]
    }),
  )
  return found.flat()
}

function resolverOf(why: string | null, servers: readonly string[]): Finding[] {
  if (why === null) return []
  const fix =
    'correct /etc/resolv.conf, or give sidecars another server by --dns-server: services of the mesh need no DNS, hosts outside it do'
  return [says.warning(servers.length === 0 ? 'no name server is configured' : `${serversText(servers)} does not answer: ${why}`, fix)]
}

function serversText(servers: readonly string[]): string {
  return `the name server ${servers.join(' or ')}`
}
