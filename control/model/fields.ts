import { isIP } from 'node:net'
import { MAX_DURATION_MS, parseDuration } from './duration.ts'
import { nearest } from './nearest.ts'
import { type JsonSchema, NOT_IN_EFFECT, type Schema, typeName } from './schema.ts'

/** RFC 9110 section 5.6.2. */
export const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/
/** RFC 1123 section 2.1, one label: how documents are named. */
export const DNS_LABEL = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/
/** RFC 1123 section 2.1, dotted. */
export const DNS_NAME = /^(?=.{1,253}$)[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?(\.[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?)*$/

/** What a string must look like. `test` says what is wrong with it, or null. */
export interface TextShape {
  readonly maxLength: number
  readonly test: (value: string) => string | null
  /** What would be right, in words. */
  readonly allowed: string
  readonly json?: JsonSchema
}

/** Text of a certain look. */
export function text(shape: TextShape): Schema {
  return {
    json: { type: 'string', maxLength: shape.maxLength, description: shape.allowed, ...shape.json },
    check(value, path, report) {
      if (typeof value !== 'string') {
        report.fault(path, value, `must be text, not ${typeName(value)}`, shape.allowed)
        return
      }
      if (value.length > shape.maxLength) {
        report.fault(path, value, `must have at most ${shape.maxLength} characters`, shape.allowed)
        return
      }
      const wrong = shape.test(value)
      if (wrong !== null) report.fault(path, value, wrong, shape.allowed)
    },
  }
}

/** Text that one regular expression describes. */
export function pattern(expression: RegExp, maxLength: number, wrong: string, allowed: string): Schema {
  return text({ maxLength, allowed, test: value => (expression.test(value) ? null : wrong), json: { pattern: expression.source } })
}

/** A whole number within bounds. */
export function integer(min: number, max: number): Schema {
  const allowed = `a whole number from ${min} to ${max}`
  return {
    json: { type: 'integer', minimum: min, maximum: max },
    check(value, path, report) {
      if (typeof value !== 'number') report.fault(path, value, `must be a whole number, not ${typeName(value)}`, allowed)
      else if (!Number.isInteger(value) || value < min || value > max) report.fault(path, value, `must be ${allowed}`, allowed)
    },
  }
}

/** A number within bounds. */
export function number(min: number, max: number): Schema {
  const allowed = `a number from ${min} to ${max}`
  return {
    json: { type: 'number', minimum: min, maximum: max },
    check(value, path, report) {
      if (typeof value !== 'number') report.fault(path, value, `must be a number, not ${typeName(value)}`, allowed)
      else if (!(value >= min && value <= max)) report.fault(path, value, `must be ${allowed}`, allowed)
    },
  }
}

/** True or false. */
export const boolean: Schema = {
  json: { type: 'boolean' },
  check(value, path, report) {
    if (typeof value !== 'boolean') report.fault(path, value, `must be true or false, not ${typeName(value)}`, 'true, false')
  },
}

/** Anything at all, such as a status that is sent back with a document. */
export const anything: Schema = { json: {}, check() {} }

/**
 * One of these words.
 * @param later words that are known and not built yet: refused by name.
 */
export function word(words: readonly string[], later: readonly string[] = []): Schema {
  const allowed = words.map(known => (known === '' ? '""' : known)).join(', ')
  return {
    json: { type: 'string', enum: words },
    check(value, path, report) {
      if (typeof value === 'string' && words.includes(value)) return
      if (typeof value === 'string' && later.includes(value)) {
        report.fault(path, value, `${value} is ${NOT_IN_EFFECT}`, allowed)
        return
      }
      const near = typeof value === 'string' && words.length > 1 ? nearest(value, [...words, ...later]) : null
      const must = words.length > 1 ? `must be one of ${allowed}` : `must be ${allowed}`
      report.fault(path, value, `${must}${near === null ? '' : `, did you mean ${near}?`}`, allowed)
    },
  }
}

/** A TCP port. */
export const port: Schema = integer(1, 65_535)

/** The Gateway API's durations; `0s` switches a timeout off. */
export const duration: Schema = text({
  maxLength: 24,
  allowed: 'a duration such as 10s, 500ms or 1h30m, up to 596h',
  test(value) {
    const ms = parseDuration(value)
    if (ms === null) return 'is not a duration'
    return ms > MAX_DURATION_MS ? 'is longer than 596h' : null
  },
})

/** A duration that may not be nothing. */
export const positiveDuration: Schema = text({
  maxLength: 24,
  allowed: 'a duration from 1ms, such as 500ms or 1s, up to 596h',
  test(value) {
    const ms = parseDuration(value)
    if (ms === null) return 'is not a duration'
    if (ms === 0) return 'must be more than nothing'
    return ms > MAX_DURATION_MS ? 'is longer than 596h' : null
  },
})

/** Name of a document, a namespace or a service. */
export const name: Schema = pattern(DNS_LABEL, 63, 'is not a DNS label', 'lower-case letters, digits and hyphens, at most 63 (RFC 1123)')

/** A host name. */
export const hostname: Schema = pattern(DNS_NAME, 253, 'is not a host name', 'a lower-case host name such as orders.internal (RFC 1123)')

/** An address that needs no resolver. */
export const ipAddress: Schema = text({
  maxLength: 45,
  allowed: 'an IPv4 or IPv6 address such as 10.0.0.7',
  test(value) {
    if (value === '0.0.0.0' || value === '::') return 'is every address, so none to connect to'
    if (isIP(value) !== 0) return null
    return DNS_NAME.test(value.toLowerCase()) && !/^[0-9.]+$/.test(value)
      ? 'is a host name: endpoints are IP addresses, use dns for a name'
      : 'is not an IP address'
  },
})

/** An HTTP field name. */
export const fieldName: Schema = pattern(TOKEN, 256, 'is not an HTTP field name', 'letters, digits and - (RFC 9110 token)')

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is refused (RFC 9110 section 5.5).
const CONTROL = /[\x00-\x08\x0a-\x1f\x7f]/

/**
 * An HTTP field value: visible ASCII, blanks and tabs. Other characters have no octets that sender and reader agree on (RFC 9110 section 5.5):
 * what clients send as UTF-8 would never be matched.
 */
export const fieldValue: Schema = text({
  maxLength: 4096,
  allowed: 'visible ASCII characters, blanks and tabs',
  test(value) {
    if (CONTROL.test(value)) return 'holds a control character'
    return /^[\x20-\x7e\t]*$/.test(value) ? null : 'holds a character that is not ASCII'
  },
})

/** The value of a query parameter, decoded: any characters but control characters. */
export const queryValue: Schema = text({
  maxLength: 4096,
  allowed: 'visible characters, blanks and tabs',
  test: value => (CONTROL.test(value) ? 'holds a control character' : null),
})
