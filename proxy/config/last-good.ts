import { createHash } from 'node:crypto'
import { wallClock } from '../util/clock.ts'
import type { Timer, Timers } from '../util/timers.ts'
import { readFileUpTo, replaceFile, setAside } from './file.ts'

/**
 * The file: one line `outrider-configuration <format> <SHA-256 of all that follows, in hex>`, one line of JSON (`Origin`), and the
 * configuration as octets, whose meaning is their reader's.
 */
const MAGIC = 'outrider-configuration'
/** Of the file. A sidecar reads its own format only; after a downgrade it starts without the copy. */
export const FORMAT = 1
/** Largest file that is written or read. 10,000 services with 10 endpoints each are about 10 MB. */
export const MAX_LAST_GOOD_BYTES = 64 * 1024 * 1024
/** Changes within this time make one write. */
export const SAVE_DELAY_MS = 1_000

/** Whose configuration it is, and from when. */
export interface Origin {
  /** `<namespace>/<service>`: another service has other routes. */
  readonly service: string
  readonly trustDomain: string
  readonly storeId: string
  readonly revision: number
  /** Wall clock, ms. */
  readonly savedAt: number
}

/** What the file gave. `refused` says why in words, and where the file is now (empty: it could not be moved). */
export type Loaded =
  | { readonly kind: 'none' }
  | { readonly kind: 'loaded'; readonly origin: Origin; readonly content: Uint8Array }
  | { readonly kind: 'refused'; readonly reason: string; readonly movedTo: string }

/** What is kept of a configuration: made when it is written, not at each change. */
export interface Copy {
  readonly storeId: string
  readonly revision: number
  /** In small pieces, with turns of the event loop between them: requests are served meanwhile. */
  readonly content: AsyncIterable<Uint8Array>
}

export interface LastGoodOptions {
  readonly path: string
  readonly service: string
  readonly trustDomain: string
  readonly timers: Timers
  /** Told when a write fails; the sidecar goes on, and tries again at the next change. */
  readonly failed: (error: unknown) => void
  readonly maxBytes?: number
}

/** The copy of the last good configuration on disk: a sidecar that restarts while the control plane is away serves as before. */
export class LastGood {
  readonly #options: LastGoodOptions
  readonly #maxBytes: number
  readonly #timer: Timer
  #next: (() => Copy) | null = null
  #writing: Promise<void> | null = null

  constructor(options: LastGoodOptions) {
    this.#options = options
    this.#maxBytes = options.maxBytes ?? MAX_LAST_GOOD_BYTES
    this.#timer = options.timers.timer(() => void this.flush())
  }

  /** Reads the file. One that is damaged, of another format or of another service is set aside, and never rejected with: a start goes on without it. */
  async load(): Promise<Loaded> {
    const { path } = this.#options
    try {
      const file = await readFileUpTo(path, this.#maxBytes)
      if (file.kind === 'absent') return { kind: 'none' }
      const read = file.kind === 'too-large' ? `has ${file.bytes} octets, more than ${this.#maxBytes}` : this.#read(file.content)
      return typeof read === 'string' ? this.refuse(read) : read
    } catch (error) {
      return { kind: 'refused', reason: `cannot be read: ${sentence(error)}`, movedTo: '' }
    }
  }

  /** Sets the file aside: for a reader of its content that finds it unusable. */
  async refuse(reason: string): Promise<Loaded> {
    const movedTo = await setAside(this.#options.path).catch(() => '')
    return { kind: 'refused', reason, movedTo }
  }

  #read(file: Buffer): Loaded | string {
    const parts = split(file)
    if (typeof parts === 'string') return parts
    const { origin, content } = parts
    const { service, trustDomain } = this.#options
    if (origin.service !== service) return `is the configuration of ${origin.service}, not of ${service}`
    if (origin.trustDomain !== trustDomain) return `is of the trust domain ${origin.trustDomain}, not ${trustDomain}`
    return { kind: 'loaded', origin, content }
  }

  /** Has the file written soon; `copy` is called then. Calls until then count as one, the last. */
  save(copy: () => Copy): void {
    this.#next = copy
    if (!this.#timer.isArmed) this.#timer.arm(SAVE_DELAY_MS)
  }

  /** Writes what waits to be written; resolves when it is on disk, or has failed and that was told. */
  async flush(): Promise<void> {
    this.#timer.disarm()
    while (this.#writing !== null) await this.#writing
    const copy = this.#next
    if (copy === null) return
    this.#next = null
    this.#writing = this.#write(copy).finally(() => {
      this.#writing = null
    })
    await this.#writing
  }

  async #write(copy: () => Copy): Promise<void> {
    try {
      const { storeId, revision, content } = copy()
      const { service, trustDomain, path } = this.#options
      const file = await join({ service, trustDomain, storeId, revision, savedAt: wallClock.now() }, content, this.#maxBytes)
      await replaceFile(path, file)
    } catch (error) {
      this.#options.failed(error)
    }
  }
}

/** The pieces of a file. Rejects where there would be more than `maxBytes`. */
async function join(origin: Origin, content: AsyncIterable<Uint8Array>, maxBytes: number): Promise<Uint8Array[]> {
  const first = Buffer.from(`${JSON.stringify(origin)}\n`)
  const hash = createHash('sha256').update(first)
  const pieces: Uint8Array[] = [first]
  let length = first.length
  for await (const piece of content) {
    length += piece.length
    if (length > maxBytes) throw new Error(`${length} octets are more than ${maxBytes}`)
    hash.update(piece)
    pieces.push(piece)
  }
  return [Buffer.from(`${MAGIC} ${FORMAT} ${hash.digest('hex')}\n`), ...pieces]
}

/** The parts of a file, or what is wrong with it. */
function split(file: Buffer): { origin: Origin; content: Uint8Array } | string {
  const end = file.indexOf('\n')
  // 200: the line is of a known length; a file without one is not searched through.
  const match = /^(\S+) (\d+) ([0-9a-f]{64})$/.exec(file.toString('latin1', 0, Math.min(Math.max(end, 0), 200)))
  if (match === null || match[1] !== MAGIC) return 'is damaged: it does not begin as one'
  if (Number(match[2]) !== FORMAT) return `has the format ${match[2]}; this sidecar reads ${FORMAT}`
  const body = file.subarray(end + 1)
  if (digest(body) !== match[3]) return 'is damaged: its checksum does not fit'
  const line = body.indexOf('\n')
  const origin = parseOrigin(body.toString('utf8', 0, Math.max(line, 0)))
  return origin === null ? 'is damaged: it does not say whose it is' : { origin, content: body.subarray(line + 1) }
}

function parseOrigin(line: string): Origin | null {
  try {
    const { service, trustDomain, storeId, revision, savedAt } = JSON.parse(line) as Partial<Origin>
    const isWhole = [service, trustDomain, storeId].every(each => typeof each === 'string') && Number.isSafeInteger(revision)
    return isWhole && typeof savedAt === 'number' ? ({ service, trustDomain, storeId, revision, savedAt } as Origin) : null
  } catch {
    return null
  }
}

function digest(content: Uint8Array): string {
  return createHash('sha256').update(content).digest('hex')
}

function sentence(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
