/** What parsing a request's head and writing it again costs, without sockets. `node test/bench/http1-codec.ts`. Prints JSON. */
import { copyRequestHead } from '../../proxy/http/head.ts'
import { HeadReader } from '../../proxy/http1/head-reader.ts'
import { DEFAULT_LIMITS } from '../../proxy/http1/limits.ts'
import type { Output } from '../../proxy/http1/output.ts'
import { readRequest } from '../../proxy/http1/request-head.ts'
import { writeRequestHead } from '../../proxy/http1/writer.ts'

const SMALL =
  'GET /api/v1/orders HTTP/1.1\r\nHost: orders.default\r\nUser-Agent: bench/1.0\r\nAccept: */*\r\nX-Request-Id: 0123456789abcdef\r\nX-A: 1\r\n\r\n'
const LARGE = `GET /api/v1/orders?customer=7&page=2 HTTP/1.1\r\nHost: orders.default\r\nConnection: keep-alive\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36\r\nAccept: text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8\r\nAccept-Encoding: gzip, deflate, br\r\nAccept-Language: en-US,en;q=0.9\r\nCookie: session=${'a'.repeat(220)}\r\nX-Request-Id: 0f8fad5b-d9cb-469f-a165-70867728950e\r\ntraceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\nX-Forwarded-For: 10.0.0.1\r\nCache-Control: no-cache\r\n\r\n`

class Page implements Output {
  octets = Buffer.alloc(65_536)
  end = 0
  reserve(): void {}
}

function measure(text: string, isEdited: boolean): number {
  const octets = Buffer.from(text, 'latin1')
  const reader = new HeadReader('request', DEFAULT_LIMITS)
  const page = new Page()
  const memory = { text: '' }
  const run = (count: number): void => {
    for (let i = 0; i < count; i++) {
      reader.read(octets, 0, octets.length)
      let { head } = readRequest(reader.parser, octets, 0, DEFAULT_LIMITS, [], memory)
      if (isEdited) {
        head = copyRequestHead(head)
        head.headers.set('x-request-id', '00000000-0000-4000-8000-000000000000')
        head.headers.append('via', '1.1 outrider')
      }
      page.end = 0
      writeRequestHead(page, head, 'until-close', 0)
    }
  }
  run(200_000)
  let best = Number.POSITIVE_INFINITY
  for (let round = 0; round < 5; round++) {
    const startedAt = performance.now()
    run(200_000)
    best = Math.min(best, ((performance.now() - startedAt) * 1e6) / 200_000)
  }
  return Math.round(best)
}

console.log(
  JSON.stringify({
    node: process.version,
    unit: 'ns for parsing and writing one head, best of 5',
    small: { octets: SMALL.length, unchanged: measure(SMALL, false), edited: measure(SMALL, true) },
    large: { octets: LARGE.length, unchanged: measure(LARGE, false), edited: measure(LARGE, true) },
  }),
)
