const UNITS: Readonly<Record<string, number>> = { h: 3_600_000, m: 60_000, s: 1_000, ms: 1 }

/** Milliseconds of a Gateway API duration (GEP-2257), such as `1h30m` or `500ms`; null for `undefined` and for what is no duration (documents are checked before). */
export function durationMs(text: string | undefined): number | null {
  if (text === undefined || !/^([0-9]{1,5}(h|m|s|ms)){1,4}$/.test(text)) return null
  let sum = 0
  for (const [, count, unit] of text.matchAll(/([0-9]+)(ms|h|m|s)/g)) sum += Number(count) * (UNITS[unit as string] as number)
  return sum
}
