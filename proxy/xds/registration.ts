import { create } from '@bufbuild/protobuf'
import {
  HeartbeatSchema,
  HelloSchema,
  type RegisterRequest,
  RegisterRequestSchema,
  type RegisterResponse,
  Registration,
  UpdateSchema,
} from '../../protos/gen/outrider/v1/registration_pb.ts'
import { grpcService } from '../../protos/grpc/service.ts'
import type { Bootstrap, HostPort } from '../config/bootstrap.ts'
import type { Log } from '../telemetry/log.ts'
import type { Random } from '../util/random.ts'
import type { Timer, Timers } from '../util/timers.ts'
import { Reconnect } from './reconnect.ts'
import { type OpenStream, openStream, type Stream } from './stream.ts'

/** The control plane takes a stream that is silent for 10 s for dead. */
export const HEARTBEAT_MS = 3_000
/** How long a stream that was ended in good order may take to end, ms. */
export const FAREWELL_MS = 1_000

/** Connected sidecars that call this service, and those of them that know of its departure. */
export interface DepartureProgress {
  readonly callers: number
  readonly callersThatKnow: number
}

export interface RegistrationOptions {
  readonly bootstrap: Bootstrap
  /** Of the inbound listener, as bound; used where nothing is advertised. */
  readonly inboundPort: number
  readonly timers: Timers
  readonly random: Random
  readonly log: Log
  readonly open?: OpenStream<RegisterRequest, RegisterResponse>
}

type Message = RegisterRequest['message']

/** Keeps the app's registration: a lease that holds while its stream lives, made again whenever the stream was lost. */
export class RegistrationClient {
  readonly #options: RegistrationOptions
  readonly #open: OpenStream<RegisterRequest, RegisterResponse>
  readonly #reconnect: Reconnect
  readonly #heartbeat: Timer
  readonly #farewell: Timer
  #stream: Stream<RegisterRequest> | null = null
  #isAppReady = false
  #isDraining = false
  #accepted: HostPort | null = null
  #progress: DepartureProgress = { callers: 0, callersThatKnow: 0 }
  #departed: (() => void) | null = null
  #stopped: (() => void) | null = null

  constructor(options: RegistrationOptions) {
    const { bootstrap, timers, random } = options
    this.#options = options
    this.#open = options.open ?? openStream(bootstrap.control, grpcService(Registration).register, timers)
    this.#reconnect = new Reconnect({ timers, random, connect: () => this.#connect() })
    this.#heartbeat = timers.timer(() => this.#beat())
    this.#farewell = timers.timer(() => this.#leave())
  }

  /** Where peers reach this sidecar, as the control plane has stored it; null while it is not registered. */
  get accepted(): HostPort | null {
    return this.#accepted
  }

  /** How far the news of the departure has come. */
  get progress(): DepartureProgress {
    return this.#progress
  }

  start(): void {
    this.#connect()
  }

  /** The app has begun, or ceased, to answer its probe. */
  setAppReady(isReady: boolean): void {
    if (isReady === this.#isAppReady) return
    this.#isAppReady = isReady
    this.#update()
  }

  /**
   * Says that this sidecar leaves. Resolves with the last progress when every connected caller knows; at once when there is nobody
   * to tell, and when the stream is lost: then nobody is told any more. Whoever waits sets the limit.
   */
  depart(): Promise<DepartureProgress> {
    this.#isDraining = true
    if (this.#accepted === null) return Promise.resolve(this.#progress)
    return new Promise(resolve => {
      const before = this.#departed
      this.#departed = () => {
        before?.()
        resolve(this.#progress)
      }
      this.#update()
    })
  }

  /** Gives the lease back, which removes it at once. Resolves when the control plane has ended the stream, or after a second. */
  stop(): Promise<void> {
    this.#reconnect.stop()
    this.#heartbeat.disarm()
    const stream = this.#stream
    if (stream === null) return Promise.resolve()
    return new Promise(resolve => {
      this.#stopped = resolve
      stream.end()
      this.#farewell.arm(FAREWELL_MS)
    })
  }

  #connect(): void {
    this.#stream = this.#open({
      opened: () => this.#reconnect.opened(),
      received: response => this.#received(response),
      ended: reason => this.#ended(reason),
    })
    this.#send({ case: 'hello', value: this.#hello() })
    if (this.#isDraining) this.#update()
    this.#heartbeat.arm(HEARTBEAT_MS)
  }

  #hello() {
    const { nodeId, service, namespace, labels, build, protocol, advertise } = this.#options.bootstrap
    return create(HelloSchema, {
      nodeId,
      service,
      namespace,
      address: advertise?.host ?? '',
      port: advertise?.port ?? this.#options.inboundPort,
      protocol,
      labels: { ...labels },
      build,
      isAppReady: this.#isAppReady,
    })
  }

  #received({ message }: RegisterResponse): void {
    if (message.case === 'accepted') {
      this.#accepted = { host: message.value.address, port: message.value.port }
      this.#options.log.info('registered', { address: message.value.address, port: message.value.port })
    } else if (message.case === 'departure') {
      const { callers, callersThatKnow, isKnownToAll } = message.value
      this.#progress = { callers, callersThatKnow }
      if (isKnownToAll) this.#finishDeparture()
    }
  }

  #ended(reason: string): void {
    this.#heartbeat.disarm()
    this.#stream = null
    const wasAccepted = this.#accepted !== null
    this.#accepted = null
    this.#finishDeparture()
    if (this.#stopped !== null) {
      this.#leave()
      return
    }
    const retryInMs = Math.round(this.#reconnect.ended())
    this.#options.log[wasAccepted ? 'warn' : 'debug']('the registration stream is lost', { reason, retryInMs })
  }

  #leave(): void {
    this.#farewell.disarm()
    this.#stream?.close()
    this.#stream = null
    this.#accepted = null
    this.#finishDeparture()
    this.#stopped?.()
    this.#stopped = null
  }

  #finishDeparture(): void {
    const departed = this.#departed
    this.#departed = null
    departed?.()
  }

  #beat(): void {
    this.#send({ case: 'heartbeat', value: create(HeartbeatSchema) })
    this.#heartbeat.arm(HEARTBEAT_MS)
  }

  #update(): void {
    this.#send({ case: 'update', value: create(UpdateSchema, { isAppReady: this.#isAppReady, isDraining: this.#isDraining }) })
  }

  #send(message: Message): void {
    this.#stream?.send(create(RegisterRequestSchema, { message }))
  }
}
