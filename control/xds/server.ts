import { createServer, type Server as NetServer, type Socket } from 'node:net'
import { Server, ServerCredentials, type ServerDuplexStream, status } from '@grpc/grpc-js'
import { AggregatedDiscoveryService } from '../../protos/gen/envoy/service/discovery/v3/ads_pb.ts'
import type { DeltaDiscoveryRequest, DiscoveryRequest } from '../../protos/gen/envoy/service/discovery/v3/discovery_pb.ts'
import { Observation, type ObserveRequest, type ObserveResponse } from '../../protos/gen/outrider/v1/observation_pb.ts'
import { type RegisterRequest, type RegisterResponse, Registration } from '../../protos/gen/outrider/v1/registration_pb.ts'
import { grpcService } from '../../protos/grpc/service.ts'
import type { LimitCounters } from './counters.ts'
import { type DiscoveryAsk, fromDelta, fromSotw, type Variant } from './variant.ts'

/** Connections at once: three for each of 5,000 sidecars, one a stream. */
export const MAX_CONNECTIONS = 15_000
/** Streams on one connection. */
export const MAX_STREAMS_PER_CONNECTION = 256
/** Octets of one request: a reconnecting sidecar lists the versions of all that it has. */
export const MAX_REQUEST_BYTES = 8 * 1024 * 1024
/** Messages of one stream that wait to be sent. Each answers something, so more of them is a client that asks and does not read. */
export const MAX_UNSENT = 1_000
/** A connection that does not answer a ping is dead, ms: well before anybody waits for its ACK. */
const KEEPALIVE_MS = 10_000
const KEEPALIVE_TIMEOUT_MS = 5_000
/** The shortest time between a client's own pings, ms. */
const CLIENT_PING_MS = 1_000

/** One call as the handlers see it. */
export interface Call<Response> {
  /** IP address of the other end. */
  readonly from: string
  send(response: Response): void
  fail(code: status, message: string): void
}

/** What becomes of one call's messages. `closed` is called once, last. */
export interface CallHandler<Request> {
  received(request: Request): void
  closed(): void
}

/** Makes a handler for each call. */
export interface Handlers {
  discovery(variant: Variant, call: Call<Buffer>): CallHandler<DiscoveryAsk>
  registration(call: Call<RegisterResponse>): CallHandler<RegisterRequest>
  observation(call: Call<ObserveResponse>): CallHandler<ObserveRequest>
}

/** The gRPC server: connections, limits and calls. What is said in them is the handlers' business. */
export class GrpcServer {
  readonly #server: Server
  readonly #listener: NetServer
  readonly #sockets = new Set<Socket>()

  private constructor(server: Server, listener: NetServer) {
    this.#server = server
    this.#listener = listener
  }

  /** Listens. Rejects with Node's error if the address is taken. Plaintext until there are identities: the CLI refuses other binds than loopback. */
  static start(
    host: string,
    port: number,
    handlers: Handlers,
    limits: LimitCounters,
    maxConnections = MAX_CONNECTIONS,
  ): Promise<GrpcServer> {
    const server = new Server({
      'grpc.max_receive_message_length': MAX_REQUEST_BYTES,
      'grpc.max_send_message_length': -1,
      'grpc.max_concurrent_streams': MAX_STREAMS_PER_CONNECTION,
      'grpc.keepalive_time_ms': KEEPALIVE_MS,
      'grpc.keepalive_timeout_ms': KEEPALIVE_TIMEOUT_MS,
      'grpc.keepalive_permit_without_calls': 1,
      'grpc.http2.min_ping_interval_without_data_ms': CLIENT_PING_MS,
    })
    addDiscovery(server, handlers, limits)
    addRegistration(server, handlers, limits)
    addObservation(server, handlers, limits)
    const injector = server.createConnectionInjector(ServerCredentials.createInsecure())
    const listener = createServer({ noDelay: true })
    const grpc = new GrpcServer(server, listener)
    // What comes over the limit is closed at once by Node itself.
    listener.maxConnections = maxConnections
    listener.on('drop', () => limits.reached('xds_connections'))
    listener.on('connection', socket => {
      grpc.#sockets.add(socket)
      socket.once('close', () => grpc.#sockets.delete(socket))
      injector.injectConnection(socket)
    })
    return new Promise((resolve, reject) => {
      listener.once('error', reject)
      listener.listen(port, host, () => {
        listener.removeListener('error', reject)
        resolve(grpc)
      })
    })
  }

  /** Where it listens, with the port that was taken. */
  get address(): { readonly address: string; readonly port: number } {
    const bound = this.#listener.address()
    if (bound === null || typeof bound === 'string') return { address: '', port: 0 }
    return { address: bound.address, port: bound.port }
  }

  /** Ends all streams; the sidecars keep what they have and look for another control plane. */
  close(): Promise<void> {
    return new Promise(resolve => {
      this.#listener.close(() => resolve())
      this.#server.forceShutdown()
      for (const socket of this.#sockets) socket.destroy()
    })
  }
}

function addDiscovery(server: Server, handlers: Handlers, limits: LimitCounters): void {
  const { deltaAggregatedResources: delta, streamAggregatedResources: sotw } = grpcService(AggregatedDiscoveryService)
  // Responses are encoded already.
  const raw = { responseSerialize: (octets: Buffer) => octets, responseDeserialize: (octets: Buffer) => octets }
  server.addService(
    { deltaAggregatedResources: { ...delta, ...raw }, streamAggregatedResources: { ...sotw, ...raw } },
    {
      deltaAggregatedResources: (stream: ServerDuplexStream<DeltaDiscoveryRequest, Buffer>) =>
        serve(stream, fromDelta, limits, call => handlers.discovery('delta', call)),
      streamAggregatedResources: (stream: ServerDuplexStream<DiscoveryRequest, Buffer>) =>
        serve(stream, fromSotw, limits, call => handlers.discovery('sotw', call)),
    },
  )
}

function addRegistration(server: Server, handlers: Handlers, limits: LimitCounters): void {
  const { register } = grpcService(Registration)
  server.addService(
    { register },
    {
      register: (stream: ServerDuplexStream<RegisterRequest, RegisterResponse>) =>
        serve(
          stream,
          request => request,
          limits,
          call => handlers.registration(call),
        ),
    },
  )
}

function addObservation(server: Server, handlers: Handlers, limits: LimitCounters): void {
  const { observe } = grpcService(Observation)
  server.addService(
    { observe },
    {
      observe: (stream: ServerDuplexStream<ObserveRequest, ObserveResponse>) =>
        serve(
          stream,
          request => request,
          limits,
          call => handlers.observation(call),
        ),
    },
  )
}

/** Joins a grpc-js stream with a handler. */
function serve<Wire, Request, Response>(
  stream: ServerDuplexStream<Wire, Response>,
  read: (message: Wire) => Request,
  limits: LimitCounters,
  open: (call: Call<Response>) => CallHandler<Request>,
): void {
  let isOpen = true
  let handler: CallHandler<Request> | null = null
  const close = () => {
    if (!isOpen) return
    isOpen = false
    handler?.closed()
  }
  const fail = (code: status, message: string) => {
    if (!isOpen) return
    close()
    stream.emit('error', { code, details: message, name: status[code], message })
  }
  handler = open({
    from: addressOf(stream.getPeer()),
    send(response) {
      if (!isOpen) return
      if (stream.writableLength < MAX_UNSENT) stream.write(response)
      else {
        limits.reached('xds_unsent')
        fail(status.RESOURCE_EXHAUSTED, `${MAX_UNSENT} messages wait to be read`)
      }
    },
    fail,
  })
  stream.on('data', (message: Wire) => {
    if (isOpen) handler?.received(read(message))
  })
  stream.on('end', () => {
    close()
    stream.end()
  })
  stream.on('cancelled', close)
  stream.on('error', close)
  stream.on('close', close)
}

/** `127.0.0.1` of `127.0.0.1:4711`, `::1` of `[::1]:4711`; an IPv4 address that came over IPv6 is one again. */
export function addressOf(peer: string): string {
  const host = peer.slice(0, peer.lastIndexOf(':')).replace(/^\[|\]$/g, '')
  return host.replace(/^::ffff:(?=[0-9.]+$)/, '')
}
