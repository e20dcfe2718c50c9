/** Where blocks and frames are written: a RawSocket, or a buffer in a test. */
export interface Output {
  octets: Buffer
  /** Where the next octet goes. */
  end: number
  /** Makes room for `size` octets at `end`. */
  reserve(size: number): void
}

/** An output that grows: for a block that does not fit one frame. */
export class Page implements Output {
  octets: Buffer
  end = 0

  constructor(size: number) {
    this.octets = Buffer.allocUnsafe(size)
  }

  reserve(size: number): void {
    if (this.end + size <= this.octets.length) return
    const larger = Buffer.allocUnsafe(Math.max(this.octets.length * 2, this.end + size))
    this.octets.copy(larger, 0, 0, this.end)
    this.octets = larger
  }
}
