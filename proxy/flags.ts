/**
 * Envoy's response flags: why a response is not simply what the app said. Each is one bit, so that an exchange's set is one number.
 * Source: Envoy, "Access logging", RESPONSE_FLAGS.
 */
export const FLAGS = {
  UH: 'no healthy upstream host',
  UF: 'upstream connection failure',
  UO: 'upstream overflow (circuit breaker)',
  NR: 'no route for the request',
  NC: 'upstream cluster not found',
  URX: 'retry limit or connect attempts exceeded, or retry budget spent',
  UT: 'upstream request timeout',
  DC: 'downstream connection terminated',
  UC: 'upstream connection terminated',
  UR: 'upstream remote reset',
  UPE: 'upstream protocol error',
  DPE: 'downstream protocol error',
  SI: 'stream idle timeout',
  UMSDR: 'maximum stream duration reached',
  RL: 'rate limited',
  FI: 'fault injected',
  OM: 'overload manager refused the request',
  DF: 'DNS resolution failed',
} as const

export type Flag = keyof typeof FLAGS

const NAMES = Object.keys(FLAGS) as Flag[]
const BITS = new Map<string, number>(NAMES.map((name, index) => [name, 1 << index]))

/** The flags of one exchange. */
export class ResponseFlags {
  #bits = 0

  add(flag: Flag): void {
    this.#bits |= BITS.get(flag) ?? 0
  }

  has(flag: Flag): boolean {
    return (this.#bits & (BITS.get(flag) ?? 0)) !== 0
  }

  /** The set as a number below 2 ** 18, one bit a flag: a key for what is counted by it. */
  get bits(): number {
    return this.#bits
  }

  /** Comma-joined, `-` when there is none, as Envoy prints them. */
  toString(): string {
    if (this.#bits === 0) return '-'
    return NAMES.filter(name => this.has(name)).join(',')
  }
}
