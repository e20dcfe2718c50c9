import { type Address, formatAddress, parseAddress } from '../values.ts'
import type { Check } from './check.ts'
import type { Facts } from './facts.ts'
import { Findings } from './finding.ts'

const says = new Findings('app')

/** Where the app is: as named, else as the sidecar was told; null: nobody says. */
export function appAddress({ asked: { app }, sidecar }: Facts): Address | null {
  if (app !== null) return app
  const node = sidecar.state === 'there' ? sidecar.value.node : null
  return node === null ? null : parseAddress(node.app)
}

/** Does the app answer? */
export const appCheck: Check = {
  name: 'app',
  async run(machine, facts) {
    const at = appAddress(facts)
    if (at === null) return [says.skipped('--app HOST:PORT says where the app listens')]
    const { appHealth } = facts.asked
    const why = await machine.appFailure(at, appHealth)
    const where = formatAddress(at)
    if (why !== null) {
      const fix =
        appHealth === null
          ? 'start it, or correct --app: peers are answered 503 until it listens there'
          : `start it, or correct --app and --app-health: peers are answered 503 until ${appHealth} is answered 2xx`
      return [says.fault(`the app at ${where} does not answer: ${why}`, fix)]
    }
    const inbound = facts.sidecar.state === 'there' ? facts.sidecar.value.inbound : null
    if (inbound !== null)
      return [
        says.warning(
          `the app at ${where} answers, but its sidecar gives it no requests of peers: ${inbound}`,
          'ask again in a moment; where it stays so, compare --app and --app-health with those of the sidecar',
        ),
      ]
    return [says.ok(`answers at ${where}`)]
  },
}
