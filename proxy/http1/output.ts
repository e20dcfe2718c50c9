/** Where a writer puts octets: a RawSocket, or a buffer in a test. */
export interface Output {
  octets: Buffer
  /** Where the next octet goes. */
  end: number
  /** Makes room for `size` octets at `end`. */
  reserve(size: number): void
}

/** Up to this length a loop beats a call into the engine. */
const SHORT = 48

/** Appends `octets[start..end)`. Room was reserved. */
export function copyOctets(out: Output, octets: Buffer, start: number, end: number): void {
  const to = out.octets
  let o = out.end
  if (end - start <= SHORT) for (let i = start; i < end; i++) to[o++] = octets[i] as number
  else {
    octets.copy(to, o, start, end)
    o += end - start
  }
  out.end = o
}

/** Appends text of our own: ASCII without control characters. Room was reserved. */
export function writeText(out: Output, text: string): void {
  const to = out.octets
  let o = out.end
  for (let i = 0; i < text.length; i++) to[o++] = text.charCodeAt(i)
  out.end = o
}

/**
 * Appends a field value. What can't stand in one becomes a space or `?`, so that no rewrite and no other codec can add a line:
 * cutting U+010A to one octet would make a line feed of it.
 */
export function writeValue(out: Output, text: string): void {
  const to = out.octets
  let o = out.end
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i)
    to[o++] = c > 255 ? 63 : (c < 32 && c !== 9) || c === 127 ? 32 : c
  }
  out.end = o
}

/** Appends `name: value CRLF`. Room was reserved. */
export function writeFieldLine(out: Output, name: string, value: string): void {
  writeValue(out, name)
  writeText(out, ': ')
  writeValue(out, value)
  writeText(out, '\r\n')
}

const PERCENT = '%'.charCodeAt(0)
const DIGITS = '0123456789ABCDEF'

/** Appends a request target; what would end it is escaped. Room for three octets a character was reserved, where it holds such. */
export function writeTarget(out: Output, text: string): void {
  const to = out.octets
  let o = out.end
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i)
    if (c > 32 && c < 127) to[o++] = c
    else {
      to[o++] = PERCENT
      to[o++] = DIGITS.charCodeAt((c >> 4) & 15)
      to[o++] = DIGITS.charCodeAt(c & 15)
    }
  }
  out.end = o
}
