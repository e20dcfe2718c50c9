/** What Zipkin's B3 fields say, whichever form they have. */
export interface B3 {
  readonly form: B3Form
  /** 32 lower-case hexadecimal digits, 64-bit ids filled up with zeros; null: only a decision came. */
  readonly traceId: string | null
  /** 16 lower-case hexadecimal digits. */
  readonly spanId: string | null
  /** Null: it is left to whoever reads it. */
  readonly isSampled: boolean | null
  /** Sampled by order of a person, not by a rate. */
  readonly isDebug: boolean
}

/** Fields of a head, by their names in lower case. */
interface Lookup {
  get(name: string): string | null
}

/** One field `b3`, or one for each part. */
export type B3Form = 'single' | 'multi'

/** The fields of the form with several. */
export const B3_MULTI = {
  traceId: 'x-b3-traceid',
  spanId: 'x-b3-spanid',
  parentSpanId: 'x-b3-parentspanid',
  sampled: 'x-b3-sampled',
  flags: 'x-b3-flags',
} as const

const IDS = /^(?!0+-)([0-9a-f]{16}|[0-9a-f]{32})-(?!0{16})([0-9a-f]{16})(?:-([01d])(?:-[0-9a-f]{16})?)?$/i

/** Reads the field `b3`: ids with or without a decision, or a decision alone. Null: malformed. */
export function readB3Single(text: string): B3 | null {
  if (text === '0' || text === '1' || text === 'd') return { form: 'single', traceId: null, spanId: null, ...decided(text) }
  const match = IDS.exec(text)
  if (match === null) return null
  const [, traceId, spanId, decision] = match as unknown as [string, string, string, string | undefined]
  return { form: 'single', traceId: padded(traceId), spanId: spanId.toLowerCase(), ...decided(decision) }
}

/** Reads the `X-B3-` fields. Null: none of them says anything. Malformed ids count as none. */
export function readB3Multi(fields: Lookup): B3 | null {
  const decision = multiDecision(fields)
  const match = IDS.exec(`${fields.get(B3_MULTI.traceId)}-${fields.get(B3_MULTI.spanId)}`)
  if (match === null) return decision.isSampled === null ? null : { form: 'multi', traceId: null, spanId: null, ...decision }
  return { form: 'multi', traceId: padded(match[1] as string), spanId: (match[2] as string).toLowerCase(), ...decision }
}

/** What the `X-B3-` fields say of sampling. No object is made where they say nothing: it is called for each request. */
export function multiDecision(fields: Lookup): Pick<B3, 'isSampled' | 'isDebug'> {
  if (fields.get(B3_MULTI.flags) === '1') return DEBUG
  const sampled = fields.get(B3_MULTI.sampled)
  if (sampled === null) return OPEN
  // Old senders have words.
  if (sampled === '1' || sampled === 'true') return ACCEPT
  return sampled === '0' || sampled === 'false' ? DENY : OPEN
}

/** The field `b3` of a span that is recorded. */
export function formatB3(traceId: string, spanId: string, isDebug: boolean): string {
  return `${traceId}-${spanId}-${isDebug ? 'd' : '1'}`
}

const OPEN = { isSampled: null, isDebug: false }
const DENY = { isSampled: false, isDebug: false }
const ACCEPT = { isSampled: true, isDebug: false }
const DEBUG = { isSampled: true, isDebug: true }

function decided(text: string | undefined): Pick<B3, 'isSampled' | 'isDebug'> {
  if (text === undefined) return OPEN
  return text === '0' ? DENY : text === '1' ? ACCEPT : DEBUG
}

const padded = (traceId: string) => traceId.toLowerCase().padStart(32, '0')
