import type { Check } from './check.ts'
import { Findings } from './finding.ts'

const says = new Findings('control-plane')
const START = '`outrider control` starts a control plane (`outrider run` does so by itself); --api says where one is'

/** Does the control API answer, and can it serve? */
export const controlPlaneCheck: Check = {
  name: 'control-plane',
  run(_machine, { asked: { api }, control, sidecar }) {
    if (control.state === 'other')
      return [
        says.fault(`what listens at ${api.url} is no control plane, or refuses: ${control.why}`, '--api says where the control API is'),
      ]
    if (control.state === 'none') {
      if (api.isGiven) return [says.fault(control.why, START)]
      const isServed = sidecar.state === 'there' && sidecar.value.configuration.isConnected
      if (isServed)
        return [
          says.skipped(
            "no control API at the default address; the sidecar is connected to its control plane, --api says where that one's is",
          ),
        ]
      return [says.warning(control.why, START)]
    }
    const { version, notReady } = control.value
    if (notReady !== null)
      return [says.fault(`the control plane at ${api.url} cannot serve: ${notReady}`, 'its log says why; its store may be full or damaged')]
    const what = version === null ? 'an older control plane' : `control plane ${version.version}, revision ${version.revision}`
    return [says.ok(`${what}, at ${api.url}`)]
  },
}
