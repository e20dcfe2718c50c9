import { Encoder } from '../hpack/encoder.ts'
import type { FieldLine } from '../hpack/line.ts'
import { lineOf } from '../hpack/lines.ts'
import { NAME } from '../hpack/names.ts'
import { type Output, Page } from '../hpack/output.ts'
import type { Fields } from '../http/fields.ts'
import type { RawSocket } from '../net/socket.ts'
import { FLAG, FRAME, INT31 } from './codes.ts'
import { FRAME_HEAD_BYTES } from './frame-reader.ts'
import { HeaderFields } from './header-fields.ts'

/** Longest payload that we send: what every peer takes. Longer ones would only let one stream hold up others for longer. */
export const MAX_SENT_FRAME_BYTES = 16_384

/** Content-length passes whatever it says: it tells of another message (HEAD, 304), or nobody knows better. */
export const KEEP_LENGTH = -1

/** Writes frames into a connection's output; all of one turn leave in one write. */
export class FrameWriter {
  readonly encoder = new Encoder()
  readonly #socket: RawSocket
  /** The DATA frame that was written last: where its flags are, and what the socket had sent by then. */
  #dataStreamId = 0
  #dataFlagsAt = 0
  #dataOctets: Buffer | null = null
  #dataSentBefore = 0
  readonly #lines: FieldLine[] = []

  constructor(socket: RawSocket) {
    this.#socket = socket
  }

  /** @param values setting ids and values by turns. */
  settings(values: readonly number[]): void {
    this.#begin((values.length / 2) * 6, FRAME.SETTINGS, 0, 0)
    for (let i = 0; i < values.length; i += 2) {
      this.#uint16(values[i] as number)
      this.#uint32(values[i + 1] as number)
    }
    this.#socket.schedule()
  }

  settingsAck(): void {
    this.#begin(0, FRAME.SETTINGS, FLAG.ACK, 0)
    this.#socket.schedule()
  }

  /** @param octets of which eight from `start` are the PING's. */
  ping(octets: Buffer, start: number, isAck: boolean): void {
    this.#begin(8, FRAME.PING, isAck ? FLAG.ACK : 0, 0)
    octets.copy(this.#socket.octets, this.#socket.end, start, start + 8)
    this.#socket.end += 8
    this.#socket.schedule()
  }

  /** @param debug ASCII; for people. */
  goAway(lastStreamId: number, code: number, debug: string): void {
    this.#begin(8 + debug.length, FRAME.GOAWAY, 0, 0)
    this.#uint32(lastStreamId)
    this.#uint32(code)
    this.#socket.end += this.#socket.octets.write(debug, this.#socket.end, 'latin1')
    this.#socket.schedule()
  }

  reset(streamId: number, code: number): void {
    this.#begin(4, FRAME.RST_STREAM, 0, streamId)
    this.#uint32(code)
    this.#socket.schedule()
  }

  windowUpdate(streamId: number, octets: number): void {
    this.#begin(4, FRAME.WINDOW_UPDATE, 0, streamId)
    this.#uint32(octets & INT31)
    this.#socket.schedule()
  }

  /** Takes over a chunk of at most MAX_SENT_FRAME_BYTES. */
  data(streamId: number, chunk: Buffer, isEnd: boolean): void {
    const socket = this.#socket
    const { length } = chunk
    this.#begin(length, FRAME.DATA, isEnd ? FLAG.END_STREAM : 0, streamId, length <= COPIED_BYTES ? length : 0)
    this.#dataStreamId = streamId
    this.#dataFlagsAt = socket.end - FRAME_HEAD_BYTES + 4
    this.#dataOctets = socket.octets
    this.#dataSentBefore = socket.octetsOut
    if (length > 0) socket.write(chunk)
    else socket.schedule()
  }

  /** Ends a stream: by a flag of its last DATA frame where that has not left yet, which saves a frame. */
  end(streamId: number): void {
    const { octets, octetsOut, end } = this.#socket
    const isSame = this.#dataStreamId === streamId && this.#dataOctets === octets
    if (isSame && this.#dataSentBefore === octetsOut && end > this.#dataFlagsAt) {
      octets[this.#dataFlagsAt] = (octets[this.#dataFlagsAt] as number) | FLAG.END_STREAM
      this.#dataStreamId = 0
      return
    }
    this.data(streamId, NOTHING, true)
  }

  /**
   * A head or trailers. @param pseudo the pseudo-fields. @param length the content-length that is true; others are left out; KEEP_LENGTH: whatever there is.
   */
  headers(streamId: number, pseudo: readonly FieldLine[], fields: Fields | null, length: number, isEnd: boolean): void {
    const lines = this.#lines
    for (const line of pseudo) lines.push(line)
    if (fields instanceof HeaderFields) for (const line of fields.lines) this.#add(line, length)
    else
      fields?.forEach((name, value) => {
        this.#add(lineOf(name, value), length)
      })
    let size = 0
    for (const line of lines) size += line.size
    const room = Encoder.room(size)
    const flags = isEnd ? FLAG.END_STREAM : 0
    if (room <= MAX_SENT_FRAME_BYTES) this.#headersAtOnce(streamId, room, flags)
    else this.#headersInParts(streamId, room, flags)
    lines.length = 0
    this.#socket.schedule()
  }

  /** What belongs to one hop, or is told by a pseudo-field, is never written, whoever set it. */
  #add(line: FieldLine, length: number): void {
    const { id } = line
    if (id !== NAME.OTHER && id <= NAME.PROXY_AUTHORIZATION) return
    if (id === NAME.CONTENT_LENGTH && length !== KEEP_LENGTH && line.value !== String(length)) return
    this.#lines.push(line)
  }

  #headersAtOnce(streamId: number, room: number, flags: number): void {
    const socket = this.#socket
    socket.reserve(FRAME_HEAD_BYTES + room)
    const at = socket.end
    socket.end += FRAME_HEAD_BYTES
    this.#encode(socket)
    writeFrameHead(socket.octets, at, socket.end - at - FRAME_HEAD_BYTES, FRAME.HEADERS, flags | FLAG.END_HEADERS, streamId)
  }

  #headersInParts(streamId: number, room: number, flags: number): void {
    const page = new Page(room)
    this.#encode(page)
    let at = 0
    do {
      const count = Math.min(MAX_SENT_FRAME_BYTES, page.end - at)
      const last = at + count === page.end ? FLAG.END_HEADERS : 0
      this.#begin(count, at === 0 ? FRAME.HEADERS : FRAME.CONTINUATION, at === 0 ? flags | last : last, streamId)
      this.#socket.end += page.octets.copy(this.#socket.octets, this.#socket.end, at, at + count)
      at += count
    } while (at < page.end)
  }

  #encode(out: Output): void {
    this.encoder.begin(out)
    for (const line of this.#lines) this.encoder.write(out, line)
  }

  /** @param room for so many octets of the payload too. */
  #begin(length: number, type: number, flags: number, streamId: number, room = length): void {
    const socket = this.#socket
    socket.reserve(FRAME_HEAD_BYTES + room)
    writeFrameHead(socket.octets, socket.end, length, type, flags, streamId)
    socket.end += FRAME_HEAD_BYTES
  }

  #uint16(value: number): void {
    const { octets } = this.#socket
    octets[this.#socket.end++] = value >>> 8
    octets[this.#socket.end++] = value
  }

  #uint32(value: number): void {
    this.#uint16(value >>> 16)
    this.#uint16(value & 65_535)
  }
}

const NOTHING = Buffer.alloc(0)
/** Chunks up to this size are copied beside their frame's head, so room for both is reserved at once (net/socket.ts). */
const COPIED_BYTES = 8_192

function writeFrameHead(octets: Buffer, at: number, length: number, type: number, flags: number, streamId: number): void {
  octets[at] = length >>> 16
  octets[at + 1] = length >>> 8
  octets[at + 2] = length
  octets[at + 3] = type
  octets[at + 4] = flags
  octets[at + 5] = streamId >>> 24
  octets[at + 6] = streamId >>> 16
  octets[at + 7] = streamId >>> 8
  octets[at + 8] = streamId
}
