/**
 * Mutates sequences of HTTP/2 frames and serves each whole and in random cuts: both must hand over the same requests and end alike.
 *
 *     node test/fuzz/http2.ts --seconds 60 --seed 1
 *     node test/fuzz/http2.ts --inputs 1000000
 *
 * Exits 1 with the seed and the input on a disagreement or a crash, or when a connection holds more streams than it may.
 */
import type net from 'node:net'
import { Duplex } from 'node:stream'
import { parseArgs } from 'node:util'
import type { Incoming } from '../../proxy/http/message.ts'
import { textReply } from '../../proxy/http/reply.ts'
import { FLAG, FRAME, PREFACE } from '../../proxy/http2/codes.ts'
import { http2Limits } from '../../proxy/http2/limits.ts'
import { serveHttp2 } from '../../proxy/http2/server.ts'
import { RawSocket } from '../../proxy/net/socket.ts'
import { Counters } from '../../proxy/util/counters.ts'
import { type Random, seededRandom } from '../../proxy/util/random.ts'
import { HandClock } from '../support/hand-clock.ts'
import { frame } from '../unit/http2/support.ts'

const { values } = parseArgs({
  options: { seconds: { type: 'string' }, inputs: { type: 'string' }, seed: { type: 'string', default: '1' } },
})
const maxInputs = Number(values.inputs ?? Number.POSITIVE_INFINITY)
const seconds = values.seconds === undefined && values.inputs !== undefined ? Number.POSITIVE_INFINITY : Number(values.seconds ?? 10)
const MAX_STREAMS = 5
/** Connections after which what is written leaves: the event loop has to turn. */
const BATCH = 64

const seed = Number(values.seed)
const seedOctets = new Uint8Array(16)
new DataView(seedOctets.buffer).setUint32(0, seed)
const random: Random = seededRandom(seedOctets)
for (let i = 0; i < 16; i++) random.uint32()

const below = (n: number): number => random.uint32() % n
const one = <T>(list: readonly T[]): T => list[below(list.length)] as T

const ID = () => one([0, 1, 1, 1, 3, 3, 5, 7, 9, 11, 2, 0x7fffffff])
const GET = '828684410161'
const POST = '838684410161'
const MAKERS: readonly (() => Buffer)[] = [
  () => frame(FRAME.HEADERS, FLAG.END_HEADERS | FLAG.END_STREAM, ID(), GET),
  () => frame(FRAME.HEADERS, FLAG.END_HEADERS, ID(), POST),
  () => frame(FRAME.HEADERS, FLAG.END_HEADERS, ID(), `${POST}5c0135`),
  () => frame(FRAME.HEADERS, below(2), ID(), POST.slice(0, 2 * below(7))),
  () => frame(FRAME.CONTINUATION, below(2) * FLAG.END_HEADERS, ID(), POST.slice(2 * below(7))),
  () => frame(FRAME.HEADERS, FLAG.END_HEADERS | FLAG.END_STREAM, ID(), '400178017a'),
  () => frame(FRAME.HEADERS, FLAG.END_HEADERS | FLAG.PADDED | FLAG.PRIORITY, ID(), `020000000000${POST}0000`),
  () => frame(FRAME.DATA, below(2), ID(), Buffer.alloc(below(40), 'd')),
  () => frame(FRAME.DATA, FLAG.PADDED | below(2), ID(), Buffer.concat([Buffer.from([below(12)]), Buffer.alloc(10)])),
  () => frame(FRAME.DATA, 0, ID(), Buffer.alloc(16_384)),
  () => frame(FRAME.RST_STREAM, 0, ID(), '00000008'),
  () =>
    frame(FRAME.SETTINGS, 0, 0, one(['', '00040000000a', '000400000000', '00047fffffff', '000100000000', '000300000001', '000580000000'])),
  () => frame(FRAME.SETTINGS, FLAG.ACK, 0, ''),
  () => frame(FRAME.PING, below(2), 0, '0102030405060708'),
  () => frame(FRAME.WINDOW_UPDATE, 0, ID(), one(['00000001', '0000ffff', '7fffffff', '00000000'])),
  () => frame(FRAME.PRIORITY, 0, ID(), '0000000110'),
  () => frame(FRAME.GOAWAY, 0, 0, '0000000000000000'),
  () => frame(below(256), below(256), ID(), Buffer.alloc(below(12), below(256))),
]

/** A connection's first words, frames, and sometimes a few octets changed in them. */
function input(): Buffer {
  const parts = below(50) === 0 ? [] : [PREFACE, frame(FRAME.SETTINGS, 0, 0, '')]
  for (let n = below(14); n > 0; n--) parts.push(one(MAKERS)())
  const octets = Buffer.concat(parts)
  if (below(3) === 0) for (let n = below(4); n > 0 && octets.length > 33; n--) octets[33 + below(octets.length - 33)] = below(256)
  return octets
}

/** Takes what is written, and knows nothing of networks. */
class Sink extends Duplex {
  override _read(): void {}
  override _write(_chunk: Buffer, _encoding: string, done: () => void): void {
    done()
  }
}

const clock = new HandClock()
const counters = new Counters()
const limits = http2Limits({ maxStreams: MAX_STREAMS, maxListBytes: 500, maxResetFlood: 6, maxTinyFrameFlood: 6, maxPriorityFlood: 4 })
const wire = Buffer.alloc(300_000)

/** What became of a connection that gets these octets in pieces of `next()`. */
function serve(octets: Buffer, next: () => number): string {
  const log: string[] = []
  const socket = new RawSocket('data', () => new Sink() as unknown as net.Socket)
  const server = serveHttp2(
    socket,
    { timers: clock.wheel, counters, destination: { direction: 'inbound', connect: null, original: null }, limits },
    {
      request(incoming: Incoming) {
        const number = log.push(`${incoming.head.method} ${incoming.head.authority}${incoming.head.path}`)
        incoming.finished = error => log.push(`${number} ended ${error?.code ?? ''}`)
        let length = 0
        incoming.body.pipe({
          data: chunk => {
            length += chunk.length
            return true
          },
          end(trailers) {
            log.push(`${number} whole ${length} ${trailers?.listSize ?? ''}`)
            incoming.respond(textReply(200, incoming.head.method, 'answer'))
          },
          fail: error => void log.push(`${number} broken ${error.code}`),
        })
      },
      refused: (_peer, error) => void log.push(`refused ${error.message}`),
    },
  )
  for (let p = 0; p < octets.length; ) {
    const count = Math.min(next(), octets.length - p)
    octets.copy(wire, 0, p, p + count)
    socket.events.data(wire, count, false)
    p += count
    if (server.active > MAX_STREAMS) throw new Error(`${server.active} streams`)
  }
  socket.events.closed(null)
  if (server.active !== 0) throw new Error('streams are left behind')
  socket.socket.destroy()
  return log.join('\n')
}

const startedAt = performance.now()
let inputs = 0
let requests = 0
while (inputs < maxInputs && performance.now() - startedAt < seconds * 1000) {
  const octets = input()
  inputs++
  try {
    const whole = serve(octets, () => octets.length)
    const cut = serve(octets, () => 1 + below(60))
    if (whole !== cut) throw new Error(`disagreement:\n${whole}\n--- in cuts:\n${cut}`)
    if (whole.includes(' whole ')) requests++
  } catch (error) {
    console.error(error)
    console.error(`seed ${seed}, input ${inputs}:\n${octets.toString('hex').slice(0, 4000)}`)
    process.exit(1)
  }
  if (inputs % BATCH === 0) await new Promise(resolve => setImmediate(resolve))
}
const elapsed = (performance.now() - startedAt) / 1000
console.log(
  `${inputs} connections (${requests} with a whole request) in ${elapsed.toFixed(1)} s: ${Math.round(inputs / elapsed)}/s, seed ${seed}, no disagreement`,
)
