import { EventEmitter, once } from 'node:events'
import { get, type IncomingMessage } from 'node:http'
import t from 'tap'
import { until } from '../../support/e2e/process.ts'
import { type Handler, nothing, PAGE, refusal, relaying, socketTo, upstream } from './relay-support.ts'
import { RunningApi } from './running-api.ts'

t.test('what a web page could have sent is refused, requests and upgrades alike', async t => {
  let asked = 0
  const count: Handler = (_, response) => {
    asked++
    response.end(PAGE)
  }
  const { url } = await upstream(t, count, count)
  const api = await relaying(t, url)
  const cases: readonly (readonly [Record<string, string>, RegExp])[] = [
    [{ host: 'rebound.example' }, /^Host "rebound.example" is not this control plane/],
    [{ origin: 'http://evil.example' }, /^Origin "http:\/\/evil.example" may not use the control API/],
    [{ 'sec-fetch-site': 'cross-site' }, /^another site may not use the control API/],
  ]
  for (const [headers, detail] of cases) {
    for (const path of ['/jaeger', '/jaeger/', '/jaeger/api/services']) {
      const answer = await api.call('GET', path, null, headers)
      t.match([answer.status, answer.json.detail], [403, detail])
    }
    const [status, text] = await refusal(socketTo(api, '/jaeger/ws', headers))
    t.match([status, JSON.parse(text).detail], [403, detail])
  }
  t.equal(asked, 0)
})

t.test('a Jaeger that is down is 502 with its URL and how to start it, and is found once it is up', async t => {
  const { url, server } = await upstream(t, nothing)
  server.close()
  const api = await relaying(t, url)
  const answer = await api.call('GET', '/jaeger/')
  t.equal(answer.status, 502)
  t.match(answer.headers['content-type'], 'application/problem+json')
  t.match(
    answer.json.detail,
    new RegExp(`^Jaeger at ${url.origin} cannot be reached \\(.*ECONNREFUSED.*start it with --query.base-path=/jaeger`),
  )
  t.match(await refusal(socketTo(api, '/jaeger/ws')), [502, /cannot be reached/])
  await upstream(t, (_, response) => response.end('up'), undefined, Number(url.port))
  t.equal((await api.call('GET', '/jaeger/x')).text, 'up')
})

t.test('a Jaeger that goes down later is 502 at once, and looked at again', async t => {
  const { url, server } = await upstream(t, (_, response) => response.end('x'))
  const api = await relaying(t, url)
  t.equal((await api.call('GET', '/jaeger/x')).status, 200)
  server.closeAllConnections()
  await new Promise(resolve => server.close(resolve))
  t.equal((await api.call('GET', '/jaeger/x')).status, 502)
  await upstream(t, nothing, (_, response) => response.end('<base href="/">'), Number(url.port))
  t.match((await api.call('GET', '/jaeger/x')).json.detail, /does not serve below \/jaeger/)
})

t.test('a Jaeger without the base path is 502 that says so, for pages, its API and WebSockets', async t => {
  let page = '<base href="/" data-inject-target="BASE_URL"/>'
  const { url } = await upstream(
    t,
    (_, response) => response.end(page),
    (_, response) => response.end(page),
  )
  const api = await relaying(t, url)
  const detail = `Jaeger at ${url.origin} does not serve below /jaeger: start it with --query.base-path=/jaeger`
  for (const path of ['/jaeger/', '/jaeger/api/services']) {
    const answer = await api.call('GET', path)
    t.same([answer.status, answer.json.detail], [502, detail])
  }
  t.match(await refusal(socketTo(api, '/jaeger/ws')), [502, detail])
  page = PAGE
  t.equal((await api.call('GET', '/jaeger/')).text, PAGE)
})

t.test('one look at the page serves the requests that follow', async t => {
  let looks = 0
  const { url } = await upstream(
    t,
    (_, response) => response.end('x'),
    (_, response) => {
      looks++
      response.end(PAGE)
    },
  )
  const api = await relaying(t, url)
  await Promise.all([1, 2, 3, 4].map(id => api.call('GET', `/jaeger/${id}`)))
  t.equal(looks, 1)
})

t.test('a caller that leaves before or during its answer is left by Jaeger’s side, too', async t => {
  const reached = new EventEmitter()
  const { url, connections } = await upstream(t, (request, response) => {
    if (request.url === '/jaeger/endless') response.write('x')
    reached.emit('reached')
  })
  const api = await relaying(t, url)
  for (const path of ['/jaeger/never', '/jaeger/endless']) {
    const sent = get(`${api.base}${path}`, { agent: false }).on('error', () => {})
    await once(path === '/jaeger/endless' ? sent : reached, path === '/jaeger/endless' ? 'response' : 'reached')
    sent.destroy()
    await until('Jaeger is left', async () => (await connections()) === 0)
  }
})

t.test('an answer that Jaeger breaks off is broken off', async t => {
  const { url } = await upstream(t, (request, response) => {
    response.writeHead(200, { 'content-length': '100' })
    response.write('half', () => request.socket.destroy())
  })
  const api = await relaying(t, url)
  const [response] = (await once(get(`${api.base}/jaeger/half`, { agent: false }), 'response')) as [IncomingMessage]
  await t.rejects(response.toArray(), { code: 'ECONNRESET' })
})

t.test('a Jaeger that says nothing for too long is 504, and counted', async t => {
  const { url } = await upstream(t, () => {})
  const api = await relaying(t, url, { relayMs: 30 })
  const answer = await api.call('GET', '/jaeger/never')
  t.same([answer.status, answer.json.detail], [504, `${url.origin} sent nothing for 30 ms`])
  t.match(await refusal(socketTo(api, '/jaeger/silent')), [504, /sent nothing for 30 ms/])
  t.equal(api.counters.of('api_relay_deadline'), 2)
})

t.test('a page that does not come, or never ends, is waited for and read so long and no longer', async t => {
  const silent = await relaying(t, (await upstream(t, nothing, () => {})).url, { relayPageMs: 30 })
  t.match((await silent.call('GET', '/jaeger/x')).json, { status: 504, detail: /did not answer \/jaeger\/ within 30 ms/ })
  t.equal(silent.counters.of('api_relay_deadline'), 1)
  const endless: Handler = (_, response) => {
    const more = () => {
      while (!response.destroyed && response.write('x'.repeat(1_000)));
      if (!response.destroyed) response.once('drain', more)
    }
    more()
  }
  const { url, connections } = await upstream(t, (_, response) => response.end('x'), endless)
  const api = await relaying(t, url)
  t.equal((await api.call('GET', '/jaeger/x')).text, 'x')
  await until('the page is left', async () => (await connections()) === 0)
})

t.test('what a page said holds for so long', async t => {
  let looks = 0
  const { url } = await upstream(
    t,
    (_, response) => response.end('x'),
    (_, response) => {
      looks++
      response.end(PAGE)
    },
  )
  const api = await relaying(t, url, { relayPageAgeMs: -1 })
  await api.call('GET', '/jaeger/1')
  await api.call('GET', '/jaeger/2')
  t.equal(looks, 2)
})

t.test('a WebSocket on which nothing is said is closed, and counted', async t => {
  const { url } = await upstream(t, nothing)
  const api = await relaying(t, url, { relayTunnelMs: 30 })
  const socket = socketTo(api, '/jaeger/ws')
  await once(socket, 'open')
  t.equal((await once(socket, 'close'))[0], 1_006)
  t.equal(api.counters.of('api_relay_deadline'), 1)
})

t.test('more than so many at once are 503, WebSockets among them, and counted; the places come free again', async t => {
  const { url } = await upstream(t, (_, response) => response.end('x'))
  const api = await relaying(t, url, { relays: 1 })
  const socket = socketTo(api, '/jaeger/ws')
  await once(socket, 'open')
  const answer = await api.call('GET', '/jaeger/x')
  t.match([answer.status, answer.json.detail, answer.headers['retry-after']], [503, /^1 requests and WebSockets are being relayed/, '1'])
  t.match(await refusal(socketTo(api, '/jaeger/ws')), [503, /"1 requests/])
  t.equal(api.counters.of('api_relays'), 2)
  t.equal((await api.call('GET', '/live')).status, 200)
  socket.terminate()
  await until('a place is free', async () => (await api.call('GET', '/jaeger/x')).status === 200)
})

t.test('the API closes while a WebSocket and a request are open', async t => {
  const reached = new EventEmitter()
  const { url } = await upstream(t, () => reached.emit('reached'))
  const api = new RunningApi()
  api.jaeger = url
  await api.start()
  const socket = socketTo(api, '/jaeger/ws')
  await once(socket, 'open')
  const held = t.rejects(api.call('GET', '/jaeger/never'), { code: 'ECONNRESET' })
  await once(reached, 'reached')
  const closed = once(socket, 'close')
  await api.stop()
  await Promise.all([closed, held])
})
