import t from 'tap'
import { MeshError } from '../../../proxy/errors.ts'
import { DEFAULT_MAX_REPLAY_BYTES, Replay } from '../../../proxy/http/replay.ts'
import { Counters } from '../../../proxy/util/counters.ts'
import { Collector, HandBody, trailers } from './hand-body.ts'

const given = new MeshError('UPSTREAM_RESET', 'given up')

function setUp(maxBytes?: number) {
  const source = new HandBody()
  const counters = new Counters()
  return { source, counters, replay: new Replay(source, counters, maxBytes) }
}

t.test('a second view gets the same octets and trailers as the first', async t => {
  const { source, replay } = setUp()
  const [first, second] = [new Collector(), new Collector()]
  replay.view().pipe(first)
  source.send('one ')
  source.send('two')
  source.end(trailers('x-sum', '7'))
  t.ok(first.isEnded)
  replay.view().pipe(second)
  t.equal(second.text, 'one two')
  t.ok(second.isEnded)
  t.equal(second.trailers?.get('x-sum'), '7')
  t.equal(source.pipes, 1)
})

t.test('a view that takes over in the middle gets what came, then what comes', async t => {
  const { source, replay } = setUp()
  const [first, second] = [new Collector(), new Collector()]
  replay.view().pipe(first)
  source.send('one ')
  const view = replay.view()
  t.ok(source.isPaused, 'the source waits between two tries')
  source.send('in hand ')
  t.equal(first.text, 'one ', 'a view that was given up gets no more')
  view.pipe(second)
  t.notOk(source.isPaused)
  source.send('two')
  source.end()
  t.equal(second.text, 'one in hand two')
  t.ok(second.isEnded)
  t.equal(first.end_, 0)
})

t.test('the first view may be given up before the source was touched', async t => {
  const { source, replay } = setUp()
  replay.view()
  const second = new Collector()
  replay.view().pipe(second)
  source.send('all')
  source.end()
  t.equal(second.text, 'all')
  t.equal(source.pipes, 1)
})

t.test('cancelling a view keeps the source for the next one', async t => {
  const { source, replay } = setUp()
  const view = replay.view()
  view.pipe(new Collector())
  source.send('one')
  view.cancel(given)
  t.equal(source.cancelled, null)
  t.ok(source.isPaused)
  const second = new Collector()
  replay.view().pipe(second)
  t.equal(second.text, 'one')
})

t.test('what is larger than the limit is sent once: let go, counted, and not replayable', async t => {
  const { source, counters, replay } = setUp(8)
  const sink = new Collector()
  const view = replay.view()
  view.pipe(sink)
  source.send('12345678')
  t.ok(replay.isReplayable, 'the limit itself is kept')
  source.send('9')
  source.send('10')
  t.notOk(replay.isReplayable)
  t.equal(counters.get('replay_overflow'), 1)
  source.end()
  t.equal(sink.text, '12345678910')
  t.ok(sink.isEnded)
})

t.test('the limit is 64 KiB', async t => {
  const { source, replay } = setUp()
  replay.view().pipe(new Collector())
  source.send(Buffer.alloc(DEFAULT_MAX_REPLAY_BYTES))
  t.equal(DEFAULT_MAX_REPLAY_BYTES, 65_536)
  t.ok(replay.isReplayable)
  source.send('x')
  t.notOk(replay.isReplayable)
})

t.test('a view that cannot be replaced gives up the source when it is cancelled', async t => {
  const { source, replay } = setUp(0)
  const view = replay.view()
  view.pipe(new Collector())
  source.send('x')
  view.cancel(given)
  t.equal(source.cancelled, given)
})

t.test('a slow sink pauses the replay and then the source', async t => {
  const { source, replay } = setUp()
  replay.view().pipe(new Collector())
  source.send('a')
  source.send('b')
  const slow = new Collector()
  slow.appetite = 1
  const view = replay.view()
  view.pipe(slow)
  t.equal(slow.text, 'a')
  t.ok(source.isPaused)
  slow.appetite = Number.POSITIVE_INFINITY
  view.resume()
  t.equal(slow.text, 'ab')
  t.notOk(source.isPaused)
  view.pause()
  t.ok(source.isPaused)
  view.resume()
  source.send('c')
  t.equal(slow.text, 'abc')
})

t.test('the end may come while a view is behind', async t => {
  const { source, replay } = setUp()
  replay.view().pipe(new Collector())
  source.send('a')
  source.send('b')
  const slow = new Collector()
  slow.appetite = 1
  const view = replay.view()
  view.pipe(slow)
  source.end(trailers('x-sum', '1'))
  t.equal(slow.end_, 0)
  slow.appetite = Number.POSITIVE_INFINITY
  view.resume()
  t.equal(slow.text, 'ab')
  t.ok(slow.isEnded)
  t.equal(slow.trailers?.get('x-sum'), '1')
})

t.test('many small chunks are merged and come out whole', async t => {
  const { source, replay } = setUp()
  const first = new Collector()
  replay.view().pipe(first)
  for (let i = 0; i < 1000; i++) source.send(String(i % 10))
  const second = new Collector()
  replay.view().pipe(second)
  t.equal(second.text, first.text)
  source.send('end')
  t.equal(second.text, `${first.text}end`)
})

t.test('a body that fails fails the view and is not replayable', async t => {
  const { source, replay } = setUp()
  const sink = new Collector()
  replay.view().pipe(sink)
  const gone = new MeshError('DOWNSTREAM_CLOSED', 'left')
  source.fail(gone)
  t.equal(sink.error, gone)
  t.notOk(replay.isReplayable)
  const late = new Collector()
  replay.view().pipe(late)
  t.equal(late.error, gone)
})

t.test('after release the body goes on live and nothing is kept', async t => {
  const { source, counters, replay } = setUp(4)
  const sink = new Collector()
  replay.view().pipe(sink)
  source.send('1234')
  replay.release()
  source.send('5678')
  source.end()
  t.equal(sink.text, '12345678')
  t.notOk(replay.isReplayable)
  t.equal(counters.get('replay_overflow'), 0)
})
t.test('release before the body was read loses nothing', async t => {
  const { source, replay } = setUp()
  const view = replay.view()
  replay.release()
  const sink = new Collector()
  view.pipe(sink)
  source.send('all')
  source.end()
  t.equal(sink.text, 'all')
  t.ok(sink.isEnded)
})

t.test('release while a view is behind lets it catch up first', async t => {
  const { source, replay } = setUp()
  replay.view().pipe(new Collector())
  source.send('a')
  source.send('b')
  const slow = new Collector()
  slow.appetite = 1
  const view = replay.view()
  view.pipe(slow)
  replay.release()
  slow.appetite = Number.POSITIVE_INFINITY
  view.resume()
  source.send('c')
  t.equal(slow.text, 'abc')
})
