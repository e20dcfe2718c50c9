import { isIP } from 'node:net'
import { create } from '@bufbuild/protobuf'
import {
  type Hello,
  type RegisterRequest,
  type RegisterResponse,
  RegisterResponseSchema,
} from '../../protos/gen/outrider/v1/registration_pb.ts'
import type { Lease } from '../store/store.ts'
import type { Departures } from './departures.ts'
import type { LeaseTable, Owner, Registered } from './leases.ts'
import type { Log } from './log.ts'
import { MAX_NODE_ID } from './node.ts'

/** Labels of one lease. */
export const MAX_LABELS = 64
/** Octets of a label's name or value. */
const MAX_LABEL_OCTETS = 253

const DNS_LABEL = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/
const PROTOCOLS = new Set(['http', 'http2', 'grpc', 'tcp', 'tls'])

/** Why a registration stream ends. */
export type EndReason = 'invalid' | 'superseded' | 'silent' | 'exhausted' | 'not-stored'

/** What a registration stream needs of its transport. */
export interface RegistrationPort {
  /** Address that the stream comes from; an IP address. */
  readonly from: string
  send(response: RegisterResponse): void
  end(reason: EndReason, message: string): void
}

/** What it needs of the control plane. */
export interface RegistrationContext {
  readonly storeId: string
  readonly leases: LeaseTable
  readonly departures: Departures
  readonly log: Log
  /** Names of the clusters in which a node is an endpoint. */
  clustersOf(node: string): readonly string[]
  /** Serial of the newest state. */
  serial(): number
  registered(lease: Lease): void
}

/** Reads a Hello; a text says what is wrong with it. */
export function readHello(hello: Hello, from: string): Registered | string {
  const { nodeId, service, port, labels, build, isAppReady } = hello
  const namespace = hello.namespace || 'default'
  const protocol = hello.protocol || 'http'
  const address = hello.address || from
  if (nodeId === '' || nodeId.length > MAX_NODE_ID) return `node_id: 1 to ${MAX_NODE_ID} octets`
  if (!DNS_LABEL.test(service)) return `service ${JSON.stringify(service)}: a DNS label (RFC 1123)`
  if (!DNS_LABEL.test(namespace)) return `namespace ${JSON.stringify(namespace)}: a DNS label (RFC 1123)`
  if (isIP(address) === 0) return `address ${JSON.stringify(address)}: an IP address`
  if (address === '0.0.0.0' || address === '::') return `address ${address}: one that peers can reach`
  if (port < 1 || port > 65535) return `port ${port}: 1 to 65535`
  if (!PROTOCOLS.has(protocol)) return `protocol ${JSON.stringify(protocol)}: one of ${[...PROTOCOLS].join(', ')}`
  const pairs = Object.entries(labels)
  if (pairs.length > MAX_LABELS || pairs.flat().some(each => each.length > MAX_LABEL_OCTETS)) {
    return `labels: at most ${MAX_LABELS}, each name and value at most ${MAX_LABEL_OCTETS} octets`
  }
  return {
    node: nodeId,
    service,
    namespace,
    address,
    port,
    protocol,
    labels: { ...labels },
    build: build.slice(0, MAX_LABEL_OCTETS),
    isAppReady,
  }
}

/** One registration stream, without its transport: the lease holds while it lives. */
export class RegistrationStream implements Owner {
  readonly #port: RegistrationPort
  readonly #context: RegistrationContext
  #node: string | null = null
  #isEnded = false
  /** The lease is on disk. */
  #isStored = false
  /** What was said while the lease was being stored, which must not be lost to what the Hello said. The last word counts. */
  #early: { readonly isAppReady: boolean; readonly isDraining: boolean } | null = null
  #stopDeparture: (() => void) | null = null

  constructor(port: RegistrationPort, context: RegistrationContext) {
    this.#port = port
    this.#context = context
  }

  /** Takes one message. Resolves when it has been dealt with. */
  async receive({ message }: RegisterRequest): Promise<void> {
    if (this.#isEnded) return
    if (message.case === 'hello') return this.#hello(message.value)
    const node = this.#node
    if (node === null) return this.#fail('invalid', 'the first message must be a Hello')
    this.#context.leases.heard(node, this)
    if (message.case === 'heartbeat') this.#send({ case: 'heartbeat', value: {} })
    else if (message.case === 'update') this.#update(node, message.value.isAppReady, message.value.isDraining)
  }

  /** The transport has ended, whoever ended it. */
  closed(): void {
    if (this.#isEnded) return
    this.#isEnded = true
    this.#stopDeparture?.()
    if (this.#node !== null) this.#context.leases.left(this.#node, this)
  }

  end(reason: 'superseded' | 'silent'): void {
    const why = reason === 'silent' ? 'nothing was heard for too long' : 'another stream registered the same node id'
    this.#fail(reason, why)
  }

  async #hello(hello: Hello): Promise<void> {
    if (this.#node !== null) return this.#fail('invalid', 'a second Hello')
    const said = readHello(hello, this.#port.from)
    if (typeof said === 'string') return this.#fail('invalid', said)
    this.#node = said.node
    try {
      const lease = await this.#context.leases.register(said, this)
      if (lease === null) return this.#fail('exhausted', 'too many leases')
      if (this.#isEnded) return
      this.#isStored = true
      this.#context.registered(lease)
      this.#send({ case: 'accepted', value: { storeId: this.#context.storeId, address: lease.address, port: lease.port } })
      if (this.#early !== null) this.#update(said.node, this.#early.isAppReady, this.#early.isDraining)
    } catch (error) {
      this.#context.log.error({ node: said.node, error }, 'a lease could not be stored')
      this.#fail('not-stored', 'the lease could not be stored')
    }
  }

  #update(node: string, isAppReady: boolean, isDraining: boolean): void {
    if (!this.#isStored) {
      this.#early = { isAppReady, isDraining }
      return
    }
    const { leases, departures } = this.#context
    if (isDraining && this.#stopDeparture === null) {
      const clusters = this.#context.clustersOf(node)
      leases.update(node, this, { isAppReady, isDraining })
      this.#stopDeparture = departures.begin(node, clusters, this.#context.serial(), progress =>
        this.#send({ case: 'departure', value: progress }),
      )
    } else leases.update(node, this, { isAppReady, isDraining })
  }

  #send(message: Parameters<typeof response>[0]): void {
    if (!this.#isEnded) this.#port.send(response(message))
  }

  #fail(reason: EndReason, message: string): void {
    if (this.#isEnded) return
    this.closed()
    this.#port.end(reason, message)
  }
}

type Answer =
  | { readonly case: 'accepted'; readonly value: { storeId: string; address: string; port: number } }
  | { readonly case: 'heartbeat'; readonly value: object }
  | { readonly case: 'departure'; readonly value: { callers: number; callersThatKnow: number; isKnownToAll: boolean } }

function response(message: Answer): RegisterResponse {
  return create(RegisterResponseSchema, { message })
}
