import { create } from '@bufbuild/protobuf'
import { status } from '@grpc/grpc-js'
import {
  type FindFailures,
  Observation,
  type ObserveRequest,
  ObserveRequestSchema,
  type ObserveResponse,
} from '../../protos/gen/outrider/v1/observation_pb.ts'
import { grpcService } from '../../protos/grpc/service.ts'
import type { Bootstrap } from '../config/bootstrap.ts'
import type { FailureQuery, FailureRecord } from '../telemetry/failure-record.ts'
import type { Log } from '../telemetry/log.ts'
import type { Random } from '../util/random.ts'
import type { Timer, Timers } from '../util/timers.ts'
import { Reconnect } from './reconnect.ts'
import { type OpenStream, openStream, type Stream } from './stream.ts'

/** Octets of the records of one answer: a thousand failures of usual length, and far below what the control plane takes of a message (8 MiB). */
export const MAX_ANSWER_BYTES = 1_048_576
/** After a control plane that does not know the service, ms: an older one. It is asked again because it may be upgraded. */
export const OLD_CONTROL_PLANE_MS = 60_000

export interface ObservationOptions {
  readonly bootstrap: Pick<Bootstrap, 'nodeId' | 'control'>
  readonly timers: Timers
  readonly random: Random
  readonly log: Log
  /** Oldest first. */
  readonly failures: (query: FailureQuery) => readonly FailureRecord[]
  readonly open?: OpenStream<ObserveRequest, ObserveResponse>
}

/** Lets the control plane look into this sidecar: holds a stream open, and answers what is asked on it. Nothing depends on it. */
export class ObservationClient {
  readonly #options: ObservationOptions
  readonly #open: OpenStream<ObserveRequest, ObserveResponse>
  readonly #reconnect: Reconnect
  readonly #later: Timer
  #stream: Stream<ObserveRequest> | null = null

  constructor(options: ObservationOptions) {
    const { bootstrap, timers, random } = options
    this.#options = options
    this.#open = options.open ?? openStream(bootstrap.control, grpcService(Observation).observe, timers)
    this.#reconnect = new Reconnect({ timers, random, connect: () => this.start() })
    this.#later = timers.timer(() => this.start())
  }

  start(): void {
    this.#stream = this.#open({
      opened: () => this.#reconnect.opened(),
      received: ({ message }) => {
        if (message.case === 'findFailures') this.#find(message.value)
      },
      ended: (reason, code) => this.#ended(reason, code),
    })
    this.#send({ case: 'presence', value: { nodeId: this.#options.bootstrap.nodeId } })
  }

  stop(): void {
    this.#reconnect.stop()
    this.#later.disarm()
    this.#stream?.close()
    this.#stream = null
  }

  #ended(reason: string, code: number | undefined): void {
    this.#stream = null
    const isOld = code === status.UNIMPLEMENTED
    if (isOld) this.#later.arm(OLD_CONTROL_PLANE_MS)
    const retryInMs = isOld ? OLD_CONTROL_PLANE_MS : Math.round(this.#reconnect.ended())
    this.#options.log.debug('the observation stream has ended', { reason, retryInMs })
  }

  #find({ question, id, last, service, namespace }: FindFailures): void {
    const query = { id: id || null, last, service: service || null, namespace: namespace || null }
    const { records, omitted } = fitting(this.#options.failures(query))
    this.#send({ case: 'failuresFound', value: { question, records, omitted } })
  }

  #send(message: Said): void {
    this.#stream?.send(create(ObserveRequestSchema, { message }))
  }
}

type Said =
  | { readonly case: 'presence'; readonly value: { nodeId: string } }
  | { readonly case: 'failuresFound'; readonly value: { question: number; records: Buffer<ArrayBuffer>[]; omitted: number } }

/** The latest records that fit into an answer, as JSON, oldest first. */
function fitting(found: readonly FailureRecord[]): { readonly records: Buffer<ArrayBuffer>[]; readonly omitted: number } {
  const records: Buffer<ArrayBuffer>[] = []
  let left = MAX_ANSWER_BYTES
  for (const record of found.toReversed()) {
    const octets = Buffer.from(JSON.stringify(record))
    left -= octets.length
    if (left < 0) break
    records.push(octets)
  }
  return { records: records.reverse(), omitted: found.length - records.length }
}
