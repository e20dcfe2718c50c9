import { isLoopback, isWildcard } from '../../../proxy/net/address.ts'
import { formatAddress } from '../values.ts'
import { appAddress } from './app.ts'
import type { Check } from './check.ts'
import { Findings } from './finding.ts'

const says = new Findings('app-exposure')

/** Can the app be called past its sidecar? Then no policy, no limit and no mutual TLS holds for who does. */
export const appExposureCheck: Check = {
  name: 'app-exposure',
  run(machine, facts) {
    const at = appAddress(facts)
    if (at === null) return [says.skipped('--app HOST:PORT says where the app listens')]
    const all = machine.listeners()
    if (all === null) return [says.skipped(`only Linux says who listens where, and this is ${machine.platform}`)]
    const listeners = all.filter(({ port }) => port === at.port)
    if (listeners.length === 0) return [says.skipped(`nothing listens on port ${at.port} here: the app does not run, or elsewhere`)]
    const open = listeners.filter(({ address }) => !isLoopback(address))
    if (open.length === 0) return [says.ok(`listens on ${where(listeners)} only`)]
    const who = open.some(({ address }) => isWildcard(address))
      ? 'whoever reaches any address of this machine'
      : 'whoever reaches that address'
    return [
      says.warning(
        `the app listens on ${where(open)}: ${who} can call it past its sidecar`,
        `make it listen on 127.0.0.1 (Node: server.listen(${at.port}, '127.0.0.1')); what calls it from elsewhere goes to --inbound`,
      ),
    ]
  },
}

function where(listeners: readonly { readonly address: string; readonly port: number }[]): string {
  return [...new Set(listeners.map(({ address, port }) => formatAddress({ host: address, port })))].join(' and ')
}
