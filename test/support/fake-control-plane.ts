import { create } from '@bufbuild/protobuf'
import type { Any } from '@bufbuild/protobuf/wkt'
import { Server, ServerCredentials, type ServerDuplexStream } from '@grpc/grpc-js'
import { AggregatedDiscoveryService } from '../../protos/gen/envoy/service/discovery/v3/ads_pb.ts'
import {
  type DeltaDiscoveryRequest,
  type DeltaDiscoveryResponse,
  DeltaDiscoveryResponseSchema,
} from '../../protos/gen/envoy/service/discovery/v3/discovery_pb.ts'
import {
  type RegisterRequest,
  type RegisterResponse,
  RegisterResponseSchema,
  Registration,
} from '../../protos/gen/outrider/v1/registration_pb.ts'
import { grpcService } from '../../protos/grpc/service.ts'
import { TYPES, type TypeName } from '../../proxy/xds/resource.ts'

type DiscoveryCall = ServerDuplexStream<DeltaDiscoveryRequest, DeltaDiscoveryResponse>
type RegisterCall = ServerDuplexStream<RegisterRequest, RegisterResponse>

/**
 * A control plane on a real port that does what a test says. It answers each type's first request with what `resources` holds then;
 * everything later is said by `say`.
 */
export class FakeControlPlane {
  readonly #server = new Server()
  readonly #waiting = new Set<() => void>()
  /** What is told of each type at its first request, by name. */
  readonly resources: Partial<Record<TypeName, Record<string, Any>>> = {}
  version = 'store/1/0'
  identifier = 'outrider store'
  port = 0
  readonly requests: DeltaDiscoveryRequest[] = []
  readonly registrations: RegisterRequest[] = []
  discovery: DiscoveryCall | null = null
  registration: RegisterCall | null = null
  #nonce = 0

  /** @param port 0: a free one. */
  async listen(port = 0): Promise<this> {
    this.#server.addService(grpcService(AggregatedDiscoveryService), {
      deltaAggregatedResources: (call: DiscoveryCall) => this.#discover(call),
    })
    this.#server.addService(grpcService(Registration), { register: (call: RegisterCall) => this.#register(call) })
    this.port = await new Promise((resolve, reject) =>
      this.#server.bindAsync(`127.0.0.1:${port}`, ServerCredentials.createInsecure(), (error, bound) =>
        error ? reject(error) : resolve(bound),
      ),
    )
    return this
  }

  /** Cuts every stream, as a killed process does. */
  stop(): void {
    this.#server.forceShutdown()
  }

  #discover(call: DiscoveryCall): void {
    this.discovery = call
    const seen = new Set<string>()
    call.on('data', (request: DeltaDiscoveryRequest) => {
      this.requests.push(request)
      const type = (Object.keys(TYPES) as TypeName[]).find(each => TYPES[each] === request.typeUrl)
      if (type !== undefined && !seen.has(type)) {
        seen.add(type)
        this.say(type, this.resources[type] ?? {})
      }
      this.#changed()
    })
    call.on('error', () => {})
    call.on('end', () => call.end())
  }

  #register(call: RegisterCall): void {
    this.registration = call
    call.on('data', (request: RegisterRequest) => {
      this.registrations.push(request)
      this.#changed()
    })
    call.on('error', () => {})
    call.on('end', () => call.end())
  }

  /** Sends a response; its nonce. */
  say(type: TypeName, resources: Record<string, Any>): string {
    const nonce = `${++this.#nonce}`
    const list = Object.entries(resources).map(([name, resource]) => ({ name, version: `${this.version} ${nonce}`, resource }))
    this.discovery?.write(
      create(DeltaDiscoveryResponseSchema, {
        typeUrl: TYPES[type],
        nonce,
        systemVersionInfo: this.version,
        controlPlane: { identifier: this.identifier },
        resources: list,
      }),
    )
    return nonce
  }

  /** Answers a registration. */
  tell(message: RegisterResponse['message']): void {
    this.registration?.write(create(RegisterResponseSchema, { message }))
  }

  #changed(): void {
    for (const look of this.#waiting) look()
  }

  /** Resolves with what `look` finds in the requests so far, or in those to come. */
  until<T>(look: () => T | undefined): Promise<T> {
    return new Promise(resolve => {
      const again = () => {
        const found = look()
        if (found === undefined) return
        this.#waiting.delete(again)
        resolve(found)
      }
      this.#waiting.add(again)
      again()
    })
  }

  /** Resolves with the answer to a response: `ack`, or the text of the NACK. */
  answer(nonce: string): Promise<string> {
    return this.until(() => {
      const request = this.requests.find(each => each.responseNonce === nonce)
      return request && (request.errorDetail?.message ?? 'ack')
    })
  }
}
