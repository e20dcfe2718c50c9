import type { RequestHead } from '../../../proxy/http/head.ts'
import { HeadReader } from '../../../proxy/http1/head-reader.ts'
import { DEFAULT_LIMITS } from '../../../proxy/http1/limits.ts'
import type { Output } from '../../../proxy/http1/output.ts'
import { readRequest } from '../../../proxy/http1/request-head.ts'

/** The head of one whole request. */
export function requestHead(text: string): RequestHead {
  const octets = Buffer.from(text, 'latin1')
  const reader = new HeadReader('request', DEFAULT_LIMITS)
  if (reader.read(octets, 0, octets.length) <= 0) throw new Error(`no head: ${reader.parser.fault?.reason}`)
  return readRequest(reader.parser, octets, 0, DEFAULT_LIMITS, ['websocket'], { text: '' }).head
}

/** Where a writer writes to. */
export class Page implements Output {
  octets = Buffer.alloc(65_536)
  end = 0

  reserve(): void {}

  text(): string {
    return this.octets.toString('latin1', 0, this.end)
  }
}
