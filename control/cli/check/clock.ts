import type { Check } from './check.ts'
import { Findings } from './finding.ts'
import type { Timing } from './machine.ts'

/** Skew that is told, ms: certificates are valid from a moment on, and logs of two machines are read side by side. Date has whole seconds, so a second of it is nothing. */
const MAX_SKEW_MS = 5_000

const says = new Findings('clock')

/** Do this machine and the control plane agree on the time? */
export const clockCheck: Check = {
  name: 'clock',
  run(_machine, { control }) {
    if (control.state !== 'there') return [says.skipped('no control plane to compare with')]
    const skewMs = skewOf(control.value.timing)
    if (skewMs === null) return [says.skipped('the control plane does not say its time')]
    if (Math.abs(skewMs) <= MAX_SKEW_MS) return [says.ok(`${distance(skewMs)} the control plane's`)]
    return [
      says.warning(
        `this machine's clock is ${distance(skewMs)} the control plane's`,
        'let both follow NTP (`timedatectl set-ntp true`): certificates will be refused as expired, or as not valid yet',
      ),
    ]
  },
}

/** How far our clock is ahead of the server's, ms: what it said, against the middle of the round trip. Null: it said nothing. */
export function skewOf({ sentAt, gotAt, serverDate }: Timing): number | null {
  if (serverDate === null) return null
  // Date is cut to the second: on average half of one is missing.
  return (sentAt + gotAt) / 2 - (serverDate + 500)
}

function distance(skewMs: number): string {
  return `${Math.round(Math.abs(skewMs) / 1_000)} s ${skewMs > 0 ? 'ahead of' : 'behind'}`
}
