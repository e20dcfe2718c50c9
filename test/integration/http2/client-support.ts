import net from 'node:net'
import { MeshError } from '../../../proxy/errors.ts'
import { EMPTY_BODY } from '../../../proxy/http/body.ts'
import { FieldList } from '../../../proxy/http/fields.ts'
import type { RequestHead, ResponseHead } from '../../../proxy/http/head.ts'
import type { Connection, Outgoing } from '../../../proxy/http/message.ts'
import { connectHttp2 } from '../../../proxy/http2/client.ts'
import { FLAG, FRAME, PREFACE } from '../../../proxy/http2/codes.ts'
import { http2Limits } from '../../../proxy/http2/limits.ts'
import { dial } from '../../../proxy/net/dial.ts'
import { Cancellation } from '../../../proxy/util/cancellation.ts'
import { Counters } from '../../../proxy/util/counters.ts'
import { HandClock } from '../../support/hand-clock.ts'
import { frame } from '../../unit/http2/support.ts'
import { FramePeer } from './support.ts'

export interface Pair {
  readonly connection: Connection
  /** The upstream, in the hands of the test; its SETTINGS are said already, but for `settings` null. */
  readonly peer: FramePeer
  readonly counters: Counters
  /** What the pool was told. */
  readonly events: { available: number; closed: MeshError[] }
}

/** Our client, and a scripted upstream. @param settings hexadecimal. */
export async function pair(t: { teardown(done: () => unknown): void }, settings: string | null = ''): Promise<Pair> {
  const counters = new Counters()
  const clock = new HandClock()
  const events = { available: 0, closed: [] as MeshError[] }
  const server = net.createServer({ allowHalfOpen: true, noDelay: true })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const accepted = new Promise<net.Socket>(resolve => server.once('connection', resolve))
  const { port } = server.address() as net.AddressInfo
  const raw = await dial({ address: '127.0.0.1', port }, { timers: clock.wheel, timeoutMs: 1_000 })
  const socket = await accepted
  const peer = new FramePeer(socket, PREFACE.length)
  const connection = connectHttp2(raw, {
    timers: clock.wheel,
    counters,
    name: 'upstream',
    limits: http2Limits({ maxInformational: 3 }),
    events: {
      available: () => void events.available++,
      closed: (_connection, error) => void events.closed.push(error),
    },
  })
  t.teardown(() => {
    socket.destroy()
    connection.destroy(new MeshError('UPSTREAM_CLOSED', 'the test is over'))
    server.close()
  })
  if (settings !== null) {
    peer.say(frame(FRAME.SETTINGS, 0, 0, settings), frame(FRAME.SETTINGS, FLAG.ACK, 0, ''))
    await peer.hears(each => each.type === FRAME.SETTINGS && each.flags === FLAG.ACK)
  }
  return { connection, peer, counters, events }
}

/** A GET of `/a`, unless `more` says otherwise. @param heads gets the informational ones. */
export function request(more: Partial<RequestHead> = {}, body: Outgoing['body'] = EMPTY_BODY, heads: ResponseHead[] = []): Outgoing {
  const head: RequestHead = {
    method: 'GET',
    scheme: 'http',
    authority: 'orders',
    path: '/a',
    protocol: 'HTTP/1.1',
    upgrade: null,
    trailersAccepted: false,
    isAbsoluteForm: false,
    headers: new FieldList(),
    ...more,
  }
  return { head, body, cancelled: new Cancellation(), informational: head => void heads.push(head) }
}

/** HEADERS of a response, 200 unless `lines` say otherwise. */
export const answer = (peer: FramePeer, id: number, isEnd: boolean, lines: Record<string, string> = {}): Buffer =>
  frame(FRAME.HEADERS, FLAG.END_HEADERS | (isEnd ? FLAG.END_STREAM : 0), id, peer.block({ ':status': '200', ...lines }))

/** The code that a promise is rejected with. */
export const code = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'no error',
    (error: MeshError) => error.code,
  )
