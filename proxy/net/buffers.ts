/** Octets of one pooled output buffer: a usual head with a small body, and no more than the page cache likes. */
export const OUTPUT_BYTES = 16_384
/** Output buffers kept for reuse: 1 MiB in all. More are only needed while as many connections write in one turn. */
const MAX_POOLED_OUTPUTS = 64
/** Views up to this length are kept: making one costs as much as copying 200 octets. */
const MAX_CACHED_VIEW = 2048

/** A buffer that messages are built in, with the views of its beginning that were used before. */
export class OutputBuffer {
  readonly octets: Buffer
  readonly #views: (Buffer | undefined)[] = []

  constructor(size: number) {
    this.octets = Buffer.allocUnsafeSlow(size)
  }

  /** The first `length` octets. */
  view(length: number): Buffer {
    if (length >= MAX_CACHED_VIEW) return this.octets.subarray(0, length)
    const cached = this.#views[length]
    if (cached !== undefined) return cached
    const view = this.octets.subarray(0, length)
    this.#views[length] = view
    return view
  }
}

const pool: OutputBuffer[] = []

/** A pooled buffer when `size` fits one, else one of its own. */
export function takeOutput(size: number): OutputBuffer {
  if (size > OUTPUT_BYTES) return new OutputBuffer(size)
  return pool.pop() ?? new OutputBuffer(OUTPUT_BYTES)
}

/** Gives back a buffer that the kernel has taken every octet of. */
export function giveOutput(buffer: OutputBuffer): void {
  if (buffer.octets.length === OUTPUT_BYTES && pool.length < MAX_POOLED_OUTPUTS) pool.push(buffer)
}

/** Every connection reads into this one while it reads heads: what is in it is valid until the callback returns. */
export const SHARED_READ_BUFFER = Buffer.allocUnsafeSlow(65_536)
