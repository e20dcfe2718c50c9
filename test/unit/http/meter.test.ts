import t from 'tap'
import { MeshError } from '../../../proxy/errors.ts'
import { MeteredBody } from '../../../proxy/http/meter.ts'
import { Collector, HandBody, trailers } from './hand-body.ts'

function setUp() {
  const heard: unknown[] = []
  const source = new HandBody(7)
  const body = new MeteredBody(source, { octets: count => heard.push(count), ended: error => heard.push(error) })
  return { heard, source, body, sink: new Collector() }
}
const reason = new MeshError('IDLE_TIMEOUT', 'silent')

t.test('octets and the end are told and passed on', async t => {
  const { heard, source, body, sink } = setUp()
  t.equal(body.length, 7)
  body.pipe(sink)
  source.send('abc')
  source.send('defg')
  source.end(trailers('a', 'b'))
  t.equal(sink.text, 'abcdefg')
  t.equal(sink.trailers?.get('a'), 'b')
  t.same(heard, [3, 4, null])
})

t.test('a failure is told once and passed on', async t => {
  const { heard, source, body, sink } = setUp()
  body.pipe(sink)
  source.fail(reason)
  body.cancel(reason)
  t.equal(sink.error, reason)
  t.same(heard, [reason])
})

t.test('cancelling reaches the source; the sink hears nothing more', async t => {
  const { heard, source, body, sink } = setUp()
  body.pipe(sink)
  body.cancel(reason)
  t.equal(source.cancelled, reason)
  t.equal(sink.error, null)
  t.same(heard, [reason])
})

t.test('aborting gives up the source and fails the sink', async t => {
  const { heard, source, body, sink } = setUp()
  body.pipe(sink)
  body.abort(reason)
  body.abort(reason)
  t.equal(source.cancelled, reason)
  t.equal(sink.error, reason)
  t.same(heard, [reason])
})

t.test('aborting before anybody reads fails who reads later', async t => {
  const { source, body, sink } = setUp()
  body.abort(reason)
  body.pipe(sink)
  t.equal(sink.error, reason)
  t.equal(source.pipes, 0)
})

t.test('pause and resume reach the source', async t => {
  const { source, body, sink } = setUp()
  body.pipe(sink)
  body.pause()
  t.ok(source.isPaused)
  body.resume()
  t.notOk(source.isPaused)
})
