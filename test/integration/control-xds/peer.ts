import { create, fromBinary, type MessageShape } from '@bufbuild/protobuf'
import { Client, type ClientDuplexStream, credentials } from '@grpc/grpc-js'
import { TYPES, type TypeUrl } from '../../../control/translate/resources.ts'
import { ClusterLoadAssignmentSchema } from '../../../protos/gen/envoy/config/endpoint/v3/endpoint_pb.ts'
import { AggregatedDiscoveryService } from '../../../protos/gen/envoy/service/discovery/v3/ads_pb.ts'
import {
  type DeltaDiscoveryRequest,
  DeltaDiscoveryRequestSchema,
  type DeltaDiscoveryResponse,
  type DiscoveryRequest,
  DiscoveryRequestSchema,
  type DiscoveryResponse,
} from '../../../protos/gen/envoy/service/discovery/v3/discovery_pb.ts'
import {
  type RegisterRequest,
  RegisterRequestSchema,
  type RegisterResponse,
  Registration,
} from '../../../protos/gen/outrider/v1/registration_pb.ts'
import { grpcService } from '../../../protos/grpc/service.ts'

/** Messages of a stream, to be waited for one by one or by what they say. */
export class Inbox<T> {
  readonly all: T[] = []
  readonly #untaken: T[] = []
  #waiting: (() => void)[] = []
  ended: Error | null | undefined

  push(message: T): void {
    this.all.push(message)
    this.#untaken.push(message)
    this.#wake()
  }

  end(error: Error | null): void {
    if (this.ended === undefined) this.ended = error
    this.#wake()
  }

  #wake(): void {
    for (const each of this.#waiting.splice(0)) each()
  }

  /** The first message not yet taken that `holds`. */
  async next(holds: (message: T) => boolean = () => true): Promise<T> {
    for (;;) {
      const index = this.#untaken.findIndex(holds)
      if (index !== -1) return this.#untaken.splice(index, 1)[0] as T
      if (this.ended !== undefined) throw this.ended ?? new Error('the stream has ended')
      await new Promise<void>(resolve => this.#waiting.push(resolve))
    }
  }

  /** Resolves with the error with which the stream ended. */
  async ending(): Promise<Error | null> {
    while (this.ended === undefined) await new Promise<void>(resolve => this.#waiting.push(resolve))
    return this.ended
  }
}

function listen<Q, R>(stream: ClientDuplexStream<Q, R>, inbox: Inbox<R>): void {
  stream.on('data', message => inbox.push(message))
  stream.on('error', error => inbox.end(error))
  stream.on('end', () => inbox.end(null))
}

export const NODE = { id: 'web-1', cluster: 'web', userAgentName: 'outrider', metadata: { service: 'web', namespace: 'default' } }

/** A client of the control plane with streams that a test drives by hand. */
export class Peer {
  readonly client: Client

  constructor(port: number) {
    this.client = new Client(`127.0.0.1:${port}`, credentials.createInsecure(), {
      'grpc.max_receive_message_length': -1,
      'grpc.use_local_subchannel_pool': 1,
    })
  }

  delta(): DeltaStream {
    const { path, requestSerialize, responseDeserialize } = grpcService(AggregatedDiscoveryService).deltaAggregatedResources
    return new DeltaStream(this.client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize))
  }

  sotw(): SotwStream {
    const { path, requestSerialize, responseDeserialize } = grpcService(AggregatedDiscoveryService).streamAggregatedResources
    return new SotwStream(this.client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize))
  }

  register(): RegisterStream {
    const { path, requestSerialize, responseDeserialize } = grpcService(Registration).register
    return new RegisterStream(this.client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize))
  }

  close(): void {
    this.client.close()
  }
}

type Init<S> = Omit<Partial<S>, '$typeName' | '$unknown'>

export class DeltaStream {
  readonly inbox = new Inbox<DeltaDiscoveryResponse>()
  readonly call: ClientDuplexStream<DeltaDiscoveryRequest, DeltaDiscoveryResponse>

  constructor(call: ClientDuplexStream<DeltaDiscoveryRequest, DeltaDiscoveryResponse>) {
    this.call = call
    listen(call, this.inbox)
  }

  send(fields: object): void {
    this.call.write(create(DeltaDiscoveryRequestSchema, fields))
  }

  ask(typeUrl: TypeUrl, names: readonly string[], more: object = {}): void {
    this.send({ node: NODE, typeUrl, resourceNamesSubscribe: [...names], ...more })
  }

  ack(response: DeltaDiscoveryResponse): void {
    this.send({ typeUrl: response.typeUrl, responseNonce: response.nonce })
  }

  nack(response: DeltaDiscoveryResponse, message: string): void {
    this.send({ typeUrl: response.typeUrl, responseNonce: response.nonce, errorDetail: { code: 3, message } })
  }

  next(typeUrl: TypeUrl): Promise<DeltaDiscoveryResponse> {
    return this.inbox.next(response => response.typeUrl === typeUrl)
  }

  /** The next response of a type, acknowledged. */
  async take(typeUrl: TypeUrl): Promise<DeltaDiscoveryResponse> {
    const response = await this.next(typeUrl)
    this.ack(response)
    return response
  }

  /** Asks for everything, as a sidecar does, and acknowledges what comes. */
  async join(node: object = NODE): Promise<void> {
    this.ask(TYPES.cluster, ['*'], { node })
    this.ask(TYPES.listener, ['*'])
    this.ask(TYPES.routes, ['outbound'])
    this.ask(TYPES.virtualHost, ['*'])
    await this.take(TYPES.cluster)
    await this.take(TYPES.listener)
    await this.take(TYPES.routes)
    await this.take(TYPES.virtualHost)
  }
}

export class SotwStream {
  readonly inbox = new Inbox<DiscoveryResponse>()
  readonly call: ClientDuplexStream<DiscoveryRequest, DiscoveryResponse>

  constructor(call: ClientDuplexStream<DiscoveryRequest, DiscoveryResponse>) {
    this.call = call
    listen(call, this.inbox)
  }

  send(fields: object): void {
    this.call.write(create(DiscoveryRequestSchema, fields))
  }
}

export class RegisterStream {
  readonly inbox = new Inbox<RegisterResponse>()
  readonly call: ClientDuplexStream<RegisterRequest, RegisterResponse>

  constructor(call: ClientDuplexStream<RegisterRequest, RegisterResponse>) {
    this.call = call
    listen(call, this.inbox)
  }

  hello(fields: Init<object> & { nodeId: string }): void {
    const value = { service: 'orders', namespace: 'default', address: '127.0.0.1', port: 8081, isAppReady: true, ...fields }
    this.send({ case: 'hello', value })
  }

  send(message: object): void {
    this.call.write(create(RegisterRequestSchema, { message: message as never }))
  }
}

/** `127.0.0.1:8081 1` for each endpoint: its address and its health status. */
export function assignment(response: DeltaDiscoveryResponse, name: string): string[] | null {
  const resource = response.resources.find(each => each.name === name)
  if (resource?.resource === undefined) return null
  const message: MessageShape<typeof ClusterLoadAssignmentSchema> = fromBinary(ClusterLoadAssignmentSchema, resource.resource.value)
  return message.endpoints.flatMap(locality =>
    locality.lbEndpoints.map(each => {
      const socket = each.hostIdentifier.value?.address?.address.value
      return `${socket?.address}:${socket?.portSpecifier.value} ${each.healthStatus}`
    }),
  )
}
