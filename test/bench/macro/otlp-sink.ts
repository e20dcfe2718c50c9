/** A collector that takes everything and keeps nothing: `node otlp-sink.ts PORT`. OTLP over HTTP. */
import { createServer } from 'node:http'

createServer((request, response) => {
  request.resume()
  request.once('end', () => response.writeHead(200, { 'content-type': 'application/x-protobuf' }).end())
}).listen(Number(process.argv[2]), '127.0.0.1')
