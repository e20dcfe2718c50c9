/** An instance of the service of `one-number.ts`: `/` answers 100 octets, `/bytes/N` as many as it says. PORT as `outrider run` gives it. */
import { createServer, type ServerResponse } from 'node:http'

const SMALL = Buffer.alloc(100, 'x')
const CHUNK = Buffer.alloc(64 * 1024, 'y')

function stream(response: ServerResponse, octets: number): void {
  response.writeHead(200, { 'content-length': octets })
  let left = octets
  const more = () => {
    while (left > 0) {
      const chunk = left < CHUNK.length ? CHUNK.subarray(0, left) : CHUNK
      left -= chunk.length
      if (!response.write(chunk) && left > 0) return void response.once('drain', more)
    }
    response.end()
  }
  more()
}

const server = createServer((request, response) => {
  const octets = /^\/bytes\/(\d+)/.exec(request.url ?? '')?.[1]
  if (octets === undefined) response.end(SMALL)
  else stream(response, Number(octets))
})
server.listen(Number(process.env['PORT']), '127.0.0.1')
process.once('SIGTERM', () => server.close(() => process.exit(0)))
