import { type Address, formatAddress, parseAddress } from '../values.ts'
import type { Check } from './check.ts'
import type { Facts } from './facts.ts'
import { Findings } from './finding.ts'

const says = new Findings('xds')

/** Can a sidecar get its configuration from here? */
export const xdsCheck: Check = {
  name: 'xds',
  async run(machine, facts) {
    const { at, isExpected } = whereToLook(facts)
    const why = await machine.http2Failure(at)
    const where = formatAddress(at)
    if (why === null) return [says.ok(`the control plane's xDS port answers, at ${where}`)]
    const message = `a sidecar gets no configuration from ${where}: ${why}`
    const fix = '--control is the address that `outrider control --xds` has; between machines look at firewalls, and at what it is bound to'
    if (isExpected) return [says.fault(message, fix)]
    return [says.warning(message, '`outrider control` starts a control plane; `outrider proxy --documents FILE` needs none')]
  },
}

/** What was named, else where the sidecar itself goes, else the default. One that runs, with a configuration or not, goes on by what it has: its loss is told by `configuration`. */
function whereToLook({ asked, sidecar, control }: Facts): { readonly at: Address; readonly isExpected: boolean } {
  if (asked.control.isGiven) return { at: asked.control.address, isExpected: true }
  const node = sidecar.state === 'there' ? sidecar.value.node : null
  const own = node === null ? null : parseAddress(node.control)
  if (own !== null) return { at: own, isExpected: true }
  return { at: asked.control.address, isExpected: control.state === 'there' && asked.api.isGiven }
}
