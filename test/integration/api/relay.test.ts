import { once } from 'node:events'
import { get, type IncomingMessage, request } from 'node:http'
import { connect } from 'node:net'
import t from 'tap'
import { until } from '../../support/e2e/process.ts'
import { nothing, refusal, relaying, socketTo, upstream } from './relay-support.ts'

t.test('without --jaeger its path names the flag, upgrades too, and there is no link', async t => {
  const api = await relaying(t, null)
  for (const path of ['/jaeger', '/jaeger/', '/jaeger/trace/1']) {
    const answer = await api.call('POST', path, 'x', { 'content-type': 'text/plain' })
    t.equal(answer.status, 404)
    t.match(answer.json.detail, /start it with --jaeger URL/)
  }
  t.match(await refusal(socketTo(api, '/jaeger/ws')), [404, /start it with --jaeger URL/])
  t.same((await api.call('GET', '/v1/links')).json, { jaeger: null })
})

t.test('requests pass with their path, query, method and fields, as they were written', async t => {
  const { url } = await upstream(t, ({ url, method, headers }, response) => {
    response.writeHead(201, { 'x-from': 'jaeger', 'content-type': 'application/json' }).end(JSON.stringify({ url, method, headers }))
  })
  const api = await relaying(t, url)
  t.same((await api.call('GET', '/v1/links')).json, { jaeger: '/jaeger/' })
  for (const method of ['GET', 'DELETE', 'PUT', 'PATCH', 'OPTIONS']) {
    const answer = await api.call(method, '/jaeger/api/traces/%2F%20?service=a%26b&x', null, { 'x-mine': '1' })
    t.equal(answer.status, 201)
    t.equal(answer.headers['x-from'], 'jaeger')
    t.match(answer.json, {
      method,
      url: '/jaeger/api/traces/%2F%20?service=a%26b&x',
      headers: { 'x-mine': '1', host: url.host, 'x-forwarded-for': '127.0.0.1', 'x-forwarded-host': new URL(api.base).host },
    })
  }
  t.equal((await api.call('HEAD', '/jaeger/api/services')).status, 201)
  const redirect = await api.call('GET', '/jaeger?a=1')
  t.match([redirect.status, redirect.headers['location']], [307, '/jaeger/?a=1'])
})

t.test('a body flows through as it comes, in both directions, whatever its type and size', async t => {
  const { url } = await upstream(t, (request, response) => request.pipe(response.writeHead(200, { 'content-type': 'x/y' })))
  const api = await relaying(t, url, { bodyBytes: 10, largeBodies: 0 })
  for (const method of ['POST', 'DELETE']) {
    const sent = request(`${api.base}/jaeger/echo`, {
      method,
      headers: { 'content-type': 'a/b', 'transfer-encoding': 'chunked' },
      agent: false,
    })
    sent.write('first')
    const [response] = (await once(sent, 'response')) as [IncomingMessage]
    const words = response.setEncoding('utf8')[Symbol.asyncIterator]()
    // The second half is sent only when the first has come back.
    t.equal((await words.next()).value, 'first')
    sent.end('second')
    t.equal((await words.next()).value, 'second')
    t.equal((await words.next()).done, true)
  }
})

t.test('a request that expects 100 gets it, and passes', async t => {
  const { url } = await upstream(t, (request, response) => request.pipe(response))
  const api = await relaying(t, url)
  const sent = request(`${api.base}/jaeger/echo`, { method: 'POST', headers: { expect: '100-continue' }, agent: false })
  sent.flushHeaders()
  await once(sent, 'continue')
  sent.end('all')
  const [response] = (await once(sent, 'response')) as [IncomingMessage]
  t.same(await response.toArray(), [Buffer.from('all')])
})

t.test('a large answer passes whole to one who reads slowly', async t => {
  const block = Buffer.alloc(1_048_576, 'x')
  const { url } = await upstream(t, (_, response) => {
    let left = 32
    const more = () => {
      while (left-- > 0) if (!response.write(block)) return void response.once('drain', more)
      response.end()
    }
    more()
  })
  const api = await relaying(t, url)
  const [response] = (await once(get(`${api.base}/jaeger/large`, { agent: false }), 'response')) as [IncomingMessage]
  let octets = 0
  for await (const chunk of response) {
    octets += chunk.length
    await new Promise(resolve => setImmediate(resolve))
  }
  t.equal(octets, 32 * 1_048_576)
})

t.test('a connection of the caller outlives its answer', async t => {
  const { url } = await upstream(t, (_, response) => response.end('x'))
  const api = await relaying(t, url)
  const socket = connect(Number(new URL(api.base).port), '127.0.0.1')
  let heard = ''
  socket.on('data', octets => {
    heard += octets
  })
  const asked = 'GET /jaeger/x HTTP/1.1\r\nHost: localhost\r\n\r\n'
  socket.write(asked)
  await until('the first answer', () => heard.endsWith('x'))
  socket.write(asked.replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n'))
  await once(socket, 'close')
  t.equal(heard.match(/HTTP\/1\.1 200 OK/g)?.length, 2)
})

t.test('WebSockets pass in both directions, and end when one side does', async t => {
  const { url, connections } = await upstream(t, nothing)
  const api = await relaying(t, url)
  const socket = socketTo(api, '/jaeger/ws')
  await once(socket, 'open')
  for (const text of ['hello', 'x'.repeat(300_000)]) {
    socket.send(text)
    t.equal(String((await once(socket, 'message'))[0]), text)
  }
  socket.close(4_000, 'enough')
  t.equal((await once(socket, 'close'))[0], 4_000)
  await until('the relay has left Jaeger', async () => (await connections()) === 0)
  const torn = socketTo(api, '/jaeger/ws')
  await once(torn, 'open')
  torn.terminate()
  await until('the relay has left Jaeger', async () => (await connections()) === 0)
})

t.test('an upgrade that Jaeger refuses is refused with its answer', async t => {
  const { url } = await upstream(t, nothing)
  const api = await relaying(t, url)
  t.same(await refusal(socketTo(api, '/jaeger/refused')), [403, 'no'])
})

t.test('an upgrade to anything else, or elsewhere, is answered as if it asked for none', async t => {
  const { url } = await upstream(t, (_, response) => response.end('x'))
  const api = await relaying(t, url)
  const headers = { connection: 'Upgrade', upgrade: 'h2c' }
  t.equal((await api.call('GET', '/live', null, headers)).status, 200)
  t.equal((await api.call('GET', '/jaeger/x', null, headers)).status, 200)
  t.equal((await api.call('GET', '/live', null, { ...headers, upgrade: 'websocket' })).status, 200)
})
