import { once } from 'node:events'
import { createServer, type Server as HttpServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Server, ServerCredentials, type ServerUnaryCall, type sendUnaryData, status } from '@grpc/grpc-js'
import type { Collector } from '../../proxy/telemetry/tracer.ts'

/** A span that was received. */
export interface ReceivedSpan {
  readonly service: string
  readonly traceId: string
  readonly spanId: string
  /** Empty: the first of its trace. */
  readonly parentId: string
  readonly name: string
  /** 2 SERVER, 3 CLIENT. */
  readonly kind: number
}

/** How a collector treats what it gets; `dead`: nobody listens. */
export type Mood = 'working' | 'slow' | 'refusing' | 'dead'

/** An OTLP collector of a test: takes spans over gRPC or HTTP and reads them, or misbehaves. Keeps its port. */
export class OtlpReceiver {
  readonly protocol: Collector['protocol']
  readonly spans: ReceivedSpan[] = []
  #mood: Mood = 'working'
  #port = 0
  #grpc: Server | null = null
  #http: HttpServer | null = null
  readonly #unanswered: (() => void)[] = []

  private constructor(protocol: Collector['protocol']) {
    this.protocol = protocol
  }

  static async start(protocol: Collector['protocol']): Promise<OtlpReceiver> {
    const receiver = new OtlpReceiver(protocol)
    await receiver.#open()
    return receiver
  }

  get collector(): Collector {
    const base = `http://127.0.0.1:${this.#port}`
    return { url: this.protocol === 'grpc' ? base : `${base}/v1/traces`, protocol: this.protocol }
  }

  async become(mood: Mood): Promise<void> {
    const before = this.#mood
    this.#mood = mood
    if (mood === 'dead') this.#shut()
    else if (before === 'dead') await this.#open()
    for (const answer of this.#unanswered.splice(0)) answer()
  }

  close(): void {
    this.#shut()
  }

  async #open(): Promise<void> {
    if (this.protocol === 'http') {
      this.#http = createServer((request, response) => {
        const chunks: Buffer[] = []
        request.on('data', chunk => chunks.push(chunk))
        request.once('end', () => this.#post(request.url === '/v1/traces', Buffer.concat(chunks), response))
      }).listen(this.#port, '127.0.0.1')
      await once(this.#http, 'listening')
      this.#port = (this.#http.address() as AddressInfo).port
      return
    }
    const same = (octets: Buffer) => octets
    const path = '/opentelemetry.proto.collector.trace.v1.TraceService/Export'
    const codec = { requestSerialize: same, requestDeserialize: same, responseSerialize: same, responseDeserialize: same }
    this.#grpc = new Server()
    this.#grpc.addService(
      { Export: { path, requestStream: false, responseStream: false, ...codec } },
      { Export: (call: ServerUnaryCall<Buffer, Buffer>, done: sendUnaryData<Buffer>) => this.#call(call.request, done) },
    )
    const server = this.#grpc
    this.#port = await new Promise<number>((resolve, reject) => {
      server.bindAsync(`127.0.0.1:${this.#port}`, ServerCredentials.createInsecure(), (error, port) =>
        error ? reject(error) : resolve(port),
      )
    })
  }

  #shut(): void {
    this.#grpc?.forceShutdown()
    this.#http?.close()
    this.#http?.closeAllConnections()
    this.#grpc = this.#http = null
  }

  #call(octets: Buffer, done: sendUnaryData<Buffer>): void {
    if (this.#mood === 'working') {
      this.spans.push(...readSpans(octets))
      done(null, Buffer.alloc(0))
    } else if (this.#mood === 'refusing') done({ code: status.RESOURCE_EXHAUSTED, details: 'no more spans' })
    else this.#unanswered.push(() => done({ code: status.CANCELLED }))
  }

  #post(isTraces: boolean, octets: Buffer, response: ServerResponse): void {
    if (this.#mood === 'working' && isTraces) {
      this.spans.push(...readSpans(octets))
      response.writeHead(200, { 'content-type': 'application/x-protobuf' }).end()
    } else if (this.#mood === 'slow') this.#unanswered.push(() => response.destroy())
    else response.writeHead(isTraces ? 400 : 404).end()
  }
}

/** Field numbers and their values: octets, or numbers. */
function readMessage(octets: Buffer): [number: number, value: Buffer | number][] {
  const fields: [number, Buffer | number][] = []
  let at = 0
  const varint = () => {
    let value = 0
    for (let factor = 1; ; factor *= 128) {
      const octet = octets[at++] as number
      value += (octet & 127) * factor
      if (octet < 128) return value
    }
  }
  while (at < octets.length) {
    const tag = varint()
    const wire = tag % 8
    if (wire === 0) fields.push([tag >> 3, varint()])
    else {
      const length = wire === 2 ? varint() : wire === 1 ? 8 : 4
      fields.push([tag >> 3, octets.subarray(at, at + length)])
      at += length
    }
  }
  return fields
}

const messages = (octets: Buffer, number: number) =>
  readMessage(octets).flatMap(([each, value]) => (each === number ? [value as Buffer] : []))

/** The spans of an ExportTraceServiceRequest: resource_spans (1), scope_spans (2), spans (2). */
function readSpans(octets: Buffer): ReceivedSpan[] {
  return messages(octets, 1).flatMap(resourceSpans => {
    const service = serviceOf(messages(resourceSpans, 1)[0] as Buffer)
    return messages(resourceSpans, 2)
      .flatMap(scope => messages(scope, 2))
      .map(span => {
        const fields = new Map(readMessage(span))
        const hex = (number: number) => ((fields.get(number) as Buffer | undefined) ?? Buffer.alloc(0)).toString('hex')
        return { service, traceId: hex(1), spanId: hex(2), parentId: hex(4), name: String(fields.get(5)), kind: Number(fields.get(6)) }
      })
  })
}

/** `service.name` among the attributes (1) of a resource: key (1), value (2) with string_value (1). */
function serviceOf(resource: Buffer): string {
  const attribute = messages(resource, 1).find(each => String(messages(each, 1)[0]) === 'service.name')
  return attribute === undefined ? '' : String(messages(messages(attribute, 2)[0] as Buffer, 1)[0])
}
