/** A duration as the Gateway API writes it (GEP-2257): one to four parts, each of at most five digits and a unit. */
export const DURATION = /^([0-9]{1,5}(h|m|s|ms)){1,4}$/

/** Longest duration, ms: what a 32-bit timer holds, 24 days and a half. */
export const MAX_DURATION_MS = 2_147_483_647

const PART = /([0-9]{1,5})(h|ms|m|s)/g

const UNIT_MS: Readonly<Record<string, number>> = { h: 3_600_000, m: 60_000, s: 1_000, ms: 1 }

/** Milliseconds of `10s`, `500ms`, `1h30m`. Null: it is no duration. */
export function parseDuration(text: string): number | null {
  if (!DURATION.test(text)) return null
  let sum = 0
  for (const [, digits = '', unit = ''] of text.matchAll(PART)) sum += Number(digits) * (UNIT_MS[unit] ?? 0)
  return sum
}

/**
 * The shortest usual spelling: largest unit first, `0s` for nothing.
 * @param ms whole, 0 to MAX_DURATION_MS.
 */
export function formatDuration(ms: number): string {
  if (ms === 0) return '0s'
  let rest = ms
  let text = ''
  for (const [unit, size] of Object.entries(UNIT_MS)) {
    const count = Math.floor(rest / size)
    rest -= count * size
    if (count > 0) text += `${count}${unit}`
  }
  return text
}
