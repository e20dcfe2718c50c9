import { createServer as createHttpServer } from 'node:http'
import { type AddressInfo, createServer } from 'node:net'
import t from 'tap'
import { AppProbe, PROBE_FAST_MS, PROBE_SLOW_MS, probeApp } from '../../proxy/app-probe.ts'
import { HandClock } from '../support/hand-clock.ts'

const TARGET = { address: '127.0.0.1', port: 1, path: null }

/** A probe whose answers the test sets. */
function scripted() {
  const state = { answer: 'connection refused' as string | null, asked: 0 }
  return {
    state,
    probe: async () => {
      state.asked++
      return state.answer
    },
  }
}
const turn = () => new Promise<void>(resolve => setImmediate(resolve))

t.test('an app that starts is noticed with the next fast probe', async t => {
  const clock = new HandClock()
  const { state, probe } = scripted()
  const heard: boolean[] = []
  const watcher = new AppProbe(TARGET, clock.wheel, isReady => heard.push(isReady), probe)
  watcher.start()
  await turn()
  t.equal(watcher.reason, 'connection refused')
  state.answer = null
  clock.pass(PROBE_FAST_MS + 5)
  await turn()
  t.ok(watcher.isReady)
  t.same(heard, [true])
})

t.test('one lost probe changes nothing, two in a row do', async t => {
  const clock = new HandClock()
  const { state, probe } = scripted()
  const heard: boolean[] = []
  const watcher = new AppProbe(TARGET, clock.wheel, isReady => heard.push(isReady), probe)
  state.answer = null
  watcher.start()
  await turn()
  state.answer = 'reset'
  clock.pass(PROBE_SLOW_MS + 5)
  await turn()
  t.ok(watcher.isReady)
  clock.pass(PROBE_FAST_MS + 5)
  await turn()
  t.notOk(watcher.isReady)
  t.same(heard, [true, false])
  watcher.stop()
  const { asked } = state
  clock.pass(60_000)
  t.equal(state.asked, asked, 'stopped: nothing is asked any more')
})

t.test('a TCP probe tells an open port from a closed one', async t => {
  const server = createServer(socket => socket.end())
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  t.equal(await probeApp({ address: '127.0.0.1', port, path: null }), null)
  await new Promise(resolve => server.close(resolve))
  t.equal(await probeApp({ address: '127.0.0.1', port, path: null }), 'connection refused')
})

t.test('an HTTP probe wants 2xx or 3xx', async t => {
  let status = 200
  const server = createHttpServer((_, response) => response.writeHead(status).end('x'))
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  t.equal(await probeApp({ address: '127.0.0.1', port, path: '/healthz' }), null)
  status = 503
  t.equal(await probeApp({ address: '127.0.0.1', port, path: '/healthz' }), 'GET /healthz was answered 503')
  server.close()
})
