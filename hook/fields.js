// @ts-check
/** What is left of the caller's patience, in whole milliseconds: Envoy's field, which the sidecar sets and reads. */
export const DEADLINE = 'x-envoy-expected-rq-timeout-ms'

/** Passed on as they came, to whoever is called. They say which request this is, and nothing else. */
const OF_THE_TRACE = ['traceparent', 'tracestate', 'x-request-id']

/** As they came too, but not to everybody: an app may put anything into it. */
const BAGGAGE = 'baggage'

/**
 * What one served request hands on.
 * @typedef {{ readonly trace: readonly (readonly [string, string])[], readonly baggage: string | null, readonly deadlineAt: number | null }} Carried
 */

/** Printable ASCII: what every client library lets pass. */
const GOOD_VALUE = /^[\t\x20-\x7e]+$/

/**
 * Reads what a request that is being served hands on.
 * @param {Readonly<Record<string, string | string[] | undefined>>} headers names in lower case, as Node has them.
 * @param {number} now monotonic, ms.
 * @returns {Carried | undefined} Undefined: nothing.
 */
export function carriedBy(headers, now) {
  /** @type {[string, string][]} */
  const trace = []
  for (const name of OF_THE_TRACE) {
    const value = headers[name]
    if (isGood(value)) trace.push([name, value])
  }
  const baggage = headers[BAGGAGE]
  const deadline = headers[DEADLINE]
  const carried = {
    trace,
    baggage: isGood(baggage) ? baggage : null,
    deadlineAt: typeof deadline === 'string' && /^\d{1,9}$/.test(deadline) ? now + Number(deadline) : null,
  }
  return trace.length === 0 && carried.baggage === null && carried.deadlineAt === null ? undefined : carried
}

/**
 * The fields that a request to be made is given, unless the app has set them.
 * @param {Carried} carried
 * @param {'all' | 'trace'} extent
 * @param {number} now monotonic, ms.
 * @returns {readonly (readonly [string, string])[]}
 */
export function fieldsFor({ trace, baggage, deadlineAt }, extent, now) {
  if (extent === 'trace' || (baggage === null && deadlineAt === null)) return trace
  const fields = [...trace]
  if (baggage !== null) fields.push([BAGGAGE, baggage])
  // 0 where it is past: the sidecar then answers 504 and sends nothing.
  if (deadlineAt !== null) fields.push([DEADLINE, String(Math.max(0, Math.floor(deadlineAt - now)))])
  return fields
}

/**
 * Whether a request of undici has a field already; true where that cannot be told.
 * @param {unknown} headers undici 5 has one text of lines, later ones a list of names and values in turn.
 * @param {string} name in lower case.
 */
export function hasField(headers, name) {
  if (typeof headers === 'string') return `\r\n${headers}`.toLowerCase().includes(`\r\n${name}:`)
  if (!Array.isArray(headers)) return true
  for (let i = 0; i < headers.length; i += 2) if (String(headers[i]).toLowerCase() === name) return true
  return false
}

/**
 * @param {string | string[] | undefined} value
 * @returns {value is string}
 */
function isGood(value) {
  return typeof value === 'string' && GOOD_VALUE.test(value)
}
