import type { MeshError } from '../../proxy/errors.ts'
import type { BodySink } from '../../proxy/http/body.ts'
import type { Fields } from '../../proxy/http/fields.ts'
import { HeadReader } from '../../proxy/http1/head-reader.ts'
import { type Limits, limits } from '../../proxy/http1/limits.ts'
import { INCOMPLETE, REFUSED } from '../../proxy/http1/parser.ts'
import { type HostMemory, readRequest } from '../../proxy/http1/request-head.ts'
import { readResponse } from '../../proxy/http1/response-head.ts'
import { type BodyCodes, type BodySource, WireBody } from '../../proxy/http1/wire-body.ts'

/** Small, so that mutated inputs reach them. */
const LIMITS: Limits = limits({
  maxHeadBytes: 512,
  maxFields: 12,
  maxTargetBytes: 64,
  maxBodyBytes: 64,
  maxTrailerBytes: 48,
  maxChunkExtensionBytes: 8,
})
const CODES: BodyCodes = { malformed: 'DOWNSTREAM_PROTOCOL', tooLarge: 'DOWNSTREAM_BODY_TOO_LARGE' }
const METHODS = ['GET', 'HEAD', 'CONNECT']

/** Reads a stream of messages as the server, or the client, does, and sums up what it saw. The same octets must give the same sum however they are cut. */
export class Reading implements BodySink, BodySource {
  /** Of everything seen, in order. */
  sum = 17
  /** The same as text, when asked for. */
  readonly log: string[] | null
  readonly #kind: 'request' | 'response'
  readonly #heads: HeadReader
  readonly #memory: HostMemory = { text: '' }
  #body: WireBody | null = null
  #bodyOctets = 0
  #bodySum = 0
  #messages = 0
  #isDead = false

  constructor(kind: 'request' | 'response', isVerbose = false) {
    this.#kind = kind
    this.#heads = new HeadReader(kind, LIMITS)
    this.log = isVerbose ? [] : null
  }

  feed(octets: Buffer, start: number, end: number): void {
    if (this.#isDead) return
    const { stash } = this.#heads
    if (stash.length === 0) {
      this.#run(octets, start, end)
      return
    }
    stash.append(octets, start, end)
    const taken = stash.take()
    this.#run(taken.octets, taken.start, taken.end)
  }

  /** The input has ended. */
  finish(): void {
    this.#body?.finish(null)
    this.#note(`end ${this.#heads.stash.length}`)
  }

  data(chunk: Buffer): boolean {
    this.#bodyOctets += chunk.length
    for (let i = 0; i < chunk.length; i++) this.#bodySum = (Math.imul(this.#bodySum, 31) + (chunk[i] as number)) | 0
    return true
  }

  end(trailers: Fields | null): void {
    this.#note(`body ${this.#bodyOctets} ${this.#bodySum}`)
    if (trailers !== null) this.#fields(trailers)
  }

  fail(error: MeshError): void {
    this.#isDead = true
    this.#note(`body failed ${error.code} ${error.message}`)
  }

  bodyReady(): void {}
  bodyCancelled(): void {}

  #run(octets: Buffer, start: number, end: number): void {
    let p = start
    while (p < end && !this.#isDead) {
      if (this.#body === null) p = this.#head(octets, p, end)
      else {
        const body = this.#body
        const stop = body.read(octets, p, end, false)
        if (stop <= p) throw new Error('a body that takes nothing')
        p = stop
        if (body.isComplete) this.#body = null
      }
    }
  }

  #head(octets: Buffer, start: number, end: number): number {
    const length = this.#heads.read(octets, start, end)
    if (length === INCOMPLETE) return end
    const { parser } = this.#heads
    if (length === REFUSED) {
      this.#isDead = true
      this.#note(`refused ${parser.fault?.code} ${parser.fault?.reason}`)
      return end
    }
    this.#messages++
    const { framing, fields } = this.#kind === 'request' ? this.#request(octets, start) : this.#response(octets, start)
    this.#note(`framing ${framing.kind} ${framing.kind === 'length' ? framing.octets : ''}`)
    this.#fields(fields)
    if (framing.kind === 'refused') this.#isDead = true
    else if (framing.kind !== 'none') {
      this.#bodyOctets = this.#bodySum = 0
      const body = new WireBody(framing, LIMITS, LIMITS.maxBodyBytes, this, CODES)
      this.#body = body.isComplete ? null : body
      body.pipe(this)
    }
    return start + length
  }

  #request(octets: Buffer, start: number) {
    const { head, framing, fault } = readRequest(this.#heads.parser, octets, start, LIMITS, ['websocket'], this.#memory)
    this.#note(`${head.method} ${head.authority} ${head.path} ${head.protocol} ${head.upgrade} ${head.trailersAccepted}`)
    if (fault !== null) {
      this.#isDead = true
      this.#note(`fault ${fault.code} ${fault.reason}`)
    }
    const isTunnel = fault === null && (head.method === 'CONNECT' || head.upgrade !== null)
    return { framing: isTunnel ? ({ kind: 'tunnel' } as const) : framing, fields: head.headers }
  }

  #response(octets: Buffer, start: number) {
    const method = METHODS[this.#messages % METHODS.length] as string
    const { head, framing } = readResponse(this.#heads.parser, octets, start, method)
    this.#note(`status ${head.status}`)
    return { framing, fields: head.headers }
  }

  #fields(fields: Fields): void {
    fields.forEach((name, value) => {
      this.#note(name)
      this.#note(value)
    })
  }

  #note(text: string): void {
    for (let i = 0; i < text.length; i++) this.sum = (Math.imul(this.sum, 31) + text.charCodeAt(i)) | 0
    this.log?.push(text)
  }
}
