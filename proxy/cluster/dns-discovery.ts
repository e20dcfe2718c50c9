import { isIP } from 'node:net'
import { fraction } from '../util/random.ts'
import type { Timer } from '../util/timers.ts'
import type { Environment } from './connect.ts'
import type { Endpoint, Transport } from './endpoint.ts'

/** Up to this part of the TTL is added, so that all names of all sidecars are not asked for in the same moment. */
const JITTER = 0.1
/** A name that does not resolve is asked for after 1 s, then ever more rarely: a thousand sidecars with a wrong name must not busy the name server. */
const MAX_RETRY_MS = 30_000

/** Endpoints of resolved addresses. IPv6 ones come second: a machine without an IPv6 route would fail on half of its connects. */
export function resolvedEndpoints(addresses: readonly string[], port: number, transport: Transport, name: string): readonly Endpoint[] {
  const hasBoth = addresses.some(address => isIP(address) === 4)
  return addresses.map(address => ({
    address,
    port,
    weight: 1,
    locality: '',
    priority: hasBoth && isIP(address) === 6 ? 1 : 0,
    health: 'healthy',
    labels: { name },
    transport,
  }))
}

/** Keeps a cluster's endpoints equal to the addresses of a name, asking again when their TTL has passed. */
export class DnsDiscovery {
  readonly host: string
  readonly port: number
  /** Settled at the first answer, whatever it is; null from then on. */
  first: Promise<void> | null
  /** What is wrong with the name now; null: nothing. */
  failure: string | null = null
  readonly #environment: Environment
  readonly #found: (endpoints: readonly Endpoint[]) => void
  readonly #timer: Timer
  #isStopped = false
  /** Answers without an address in a row. */
  #failures = 0

  /** Starts at once. @param found takes every answer; an empty one when the name is gone for good. */
  constructor(host: string, port: number, environment: Environment, found: (endpoints: readonly Endpoint[]) => void) {
    this.host = host
    this.port = port
    this.#environment = environment
    this.#found = found
    this.#timer = environment.timers.timer(() => void this.#refresh())
    this.first = this.#refresh()
  }

  stop(): void {
    this.#isStopped = true
    this.#timer.disarm()
  }

  async #refresh(): Promise<void> {
    const answer = await this.#environment.resolver.resolve(this.host)
    this.first = null
    if (this.#isStopped) return
    this.failure = answer.kind === 'found' ? null : `${this.host} cannot be resolved: ${answer.reason}`
    if (answer.kind === 'found') this.#found(resolvedEndpoints(answer.addresses, this.port, { kind: 'plaintext' }, this.host))
    else if (answer.kind === 'absent') this.#found([])
    this.#failures = answer.kind === 'found' ? 0 : this.#failures + 1
    const pauseMs = this.#failures < 2 ? answer.ttlMs : Math.min(answer.ttlMs * 2 ** (this.#failures - 1), MAX_RETRY_MS)
    this.#timer.arm(pauseMs * (1 + JITTER * fraction(this.#environment.random)))
  }
}
