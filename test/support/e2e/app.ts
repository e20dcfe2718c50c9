/** The app of the e2e tests: Node's own HTTP server, answering who it is and what it was asked. PORT 0 takes a free one, which it prints. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

const name = process.env['NAME'] ?? 'app'
const delayMs = Number(process.env['DELAY_MS'] ?? 0)

const server = createServer((request, response) => {
  let octets = 0
  request.on('data', chunk => {
    octets += chunk.length
  })
  request.once('end', () => {
    const answer = () => {
      const body = JSON.stringify({
        app: name,
        pid: process.pid,
        method: request.method,
        path: request.url,
        octets,
        headers: request.headers,
      })
      response.writeHead(200, { 'content-type': 'application/json', 'x-app': name }).end(body)
    }
    if (delayMs > 0) setTimeout(answer, delayMs)
    else answer()
  })
})
server.listen(Number(process.env['PORT'] ?? 0), '127.0.0.1', () => process.stdout.write(`${(server.address() as AddressInfo).port}\n`))
process.once('SIGTERM', () => server.close(() => process.exit(0)))
