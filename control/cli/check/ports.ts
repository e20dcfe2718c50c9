import { isIP } from 'node:net'
import { isLoopback, isWildcard, unmapped } from '../../../proxy/net/address.ts'
import { type Address, formatAddress } from '../values.ts'
import type { Check } from './check.ts'
import type { Facts } from './facts.ts'
import { type Finding, Findings } from './finding.ts'
import type { Machine } from './machine.ts'
import { isInTheWay } from './sockets.ts'

const says = new Findings('ports')

/** Can a sidecar have its ports? `outrider proxy` never moves one. */
export const portsCheck: Check = {
  name: 'ports',
  async run(machine, { asked, sidecar }) {
    if (sidecar.state === 'there') return [says.skipped(`a sidecar runs at ${formatAddress(asked.admin.address)} and has its ports`)]
    const taken: Finding[] = []
    for (const [flag, at] of asked.listeners) {
      const why = await whyNot(machine, at)
      if (why !== null) taken.push(says.fault(`${formatAddress(at)} (--${flag}) ${why.message}`, `${why.fix} with --${flag}`))
    }
    return taken.length > 0 ? taken : [says.ok(`free for a sidecar: ${freeText(asked)}`)]
  },
}

function freeText({ listeners }: Facts['asked']): string {
  return [...listeners].map(([flag, { port }]) => `${port} (${flag})`).join(', ')
}

interface WhyNot {
  readonly message: string
  readonly fix: string
}

/** On Linux nothing is bound to find out: a sidecar that starts at this moment must not find its port taken by its own check. */
async function whyNot(machine: Machine, at: Address): Promise<WhyNot | null> {
  if (at.port === 0) return null
  const listeners = machine.listeners()
  if (listeners === null) return failed(await machine.bindFailure(at))
  const holder = listeners.find(each => isInTheWay(each, at))
  if (holder !== undefined) return taken(machine.ownerOf(holder))
  return failed(isOwnAddress(machine, at.host) ? null : 'EADDRNOTAVAIL')
}

/** A name is left to the start, which resolves it. */
function isOwnAddress({ ownAddresses }: Machine, host: string): boolean {
  return isIP(host) === 0 || isWildcard(host) || isLoopback(host) || ownAddresses.has(unmapped(host))
}

function taken(owner: string | null): WhyNot {
  const by = owner ?? 'a process of another user'
  return { message: `is taken by ${by}`, fix: 'stop it, or choose another address' }
}

function failed(code: string | null): WhyNot | null {
  if (code === null) return null
  if (code === 'EADDRINUSE') return { message: 'is taken by another process', fix: 'stop it, or choose another address' }
  if (code === 'EADDRNOTAVAIL') return { message: 'is no address of this machine', fix: 'choose an address of this machine' }
  if (code === 'EACCES') return { message: 'needs more rights than this user has', fix: 'choose a port from 1024 on' }
  return { message: `cannot be bound: ${code}`, fix: 'choose another address' }
}
