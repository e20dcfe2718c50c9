import { formatAddress } from '../values.ts'
import type { Check } from './check.ts'
import { Findings } from './finding.ts'

const says = new Findings('sidecar')

/** Is there a sidecar, and can the app send through it? */
export const sidecarCheck: Check = {
  name: 'sidecar',
  run(_machine, { asked: { admin }, sidecar }) {
    const where = formatAddress(admin.address)
    if (sidecar.state === 'other')
      return [
        says.fault(`what listens at ${where} is no sidecar, or refuses: ${sidecar.why}`, "--admin says where a sidecar's admin port is"),
      ]
    if (sidecar.state === 'none')
      return [
        admin.isGiven
          ? says.fault(sidecar.why, '`outrider proxy` starts a sidecar; --admin is the address that it has under that name')
          : says.skipped(`none runs at ${where}; --admin says where one is`),
      ]
    const { node, outbound } = sidecar.value
    const who = node === null ? 'a sidecar' : `${node.id} of ${node.namespace}/${node.service}`
    if (outbound === null) return [says.ok(`${who} is ready at ${where}`)]
    return [
      says.fault(
        `${who} at ${where} takes no requests from its app: ${outbound}`,
        'see the findings of xds and configuration; while it leaves, this is as it should be',
      ),
    ]
  },
}
