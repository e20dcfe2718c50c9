import t from 'tap'
import { listed, startMesh } from './support/interop-mesh.ts'
import { RawClient, rawServer } from './support/raw.ts'

/** `GET` with fields in a peculiar case, order and encoding. */
const FIELDS = [
  'X-MiXeD-Case: One',
  'x-lower: two',
  'X-UPPER: three',
  'x-lower: again',
  'X-Octets: caf\xe9 \x80\xff',
  'accept-ENCODING: gzip',
]
const ANSWER = ['X-AnSwEr: One', 'set-cookie: a=1', 'Set-Cookie: b=2', 'SET-COOKIE: c=3', 'x-octets: na\xefve', 'content-LENGTH: 2']

t.test('octet for octet, through one sidecar and through two', async t => {
  const mesh = await startMesh(t)

  await t.test('fields keep their case, order, number and octets in both directions', async t => {
    const app = await rawServer(t, socket => {
      socket.write(Buffer.from(`HTTP/1.1 200 Very Well\r\n${ANSWER.join('\r\n')}\r\n\r\nok`, 'latin1'))
    })
    await mesh.mesh.startSidecar('behind', { appPort: app.port })
    await mesh.mesh.apply(listed('beside', app.port))
    for (const service of ['beside', 'behind']) {
      await t.test(`to ${service}`, async t => {
        const client = new RawClient(t, mesh.web).say(`GET /Path HTTP/1.1\r\nhOSt: ${service}\r\n${FIELDS.join('\r\n')}\r\n\r\n`)
        const answer = await client.hears('ok')
        const lines = app.heads.at(-1)?.split('\r\n') ?? []
        t.equal(lines[0], 'GET /Path HTTP/1.1')
        t.ok(lines.includes(`hOSt: ${service}`), 'Host is as it was sent')
        t.strictSame(
          lines.filter(line => FIELDS.includes(line)),
          FIELDS,
        )
        const fields = answer.slice(0, answer.indexOf('\r\n\r\n')).split('\r\n')
        t.strictSame(
          fields.filter(line => ANSWER.slice(0, 5).includes(line)),
          ANSWER.slice(0, 5),
        )
        t.match(fields[0], /^HTTP\/1\.1 200/)
      })
      await t.test(`fields of one hop do not reach ${service}`, async t => {
        const hop =
          'Connection: keep-alive, x-private\r\nKeep-Alive: timeout=9\r\nX-Private: secret\r\nProxy-Connection: keep-alive\r\nTE: trailers\r\n'
        await new RawClient(t, mesh.web).say(`GET /hop HTTP/1.1\r\nHost: ${service}\r\n${hop}\r\n`).hears('ok')
        const head = app.heads.at(-1) ?? ''
        t.match(head, '/hop')
        t.notMatch(head, /x-private|keep-alive|proxy-connection/i)
      })
    }
  })

  await t.test('pipelined requests are answered one after the other, in order', async t => {
    for (const service of ['plain', 'orders']) {
      const all = Array.from({ length: 20 }, (_, n) => `GET /echo?n=${n} HTTP/1.1\r\nHost: ${service}\r\n\r\n`).join('')
      const client = new RawClient(t, mesh.web).say(`${all}GET /echo?last HTTP/1.1\r\nHost: ${service}\r\nConnection: close\r\n\r\n`)
      const text = await client.ended()
      const paths = [...text.matchAll(/"path":"([^"]*)"/g)].map(match => match[1])
      t.strictSame(paths, [...Array.from({ length: 20 }, (_, n) => `/echo?n=${n}`), '/echo?last'], service)
    }
  })

  await t.test('a pipelined request behind a body is not lost in it', async t => {
    for (const service of ['plain', 'orders']) {
      const post = (body: string) => `POST /echo HTTP/1.1\r\nHost: ${service}\r\n${body}`
      const chunked = post('Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n')
      const client = new RawClient(t, mesh.web)
      client.say(
        `${post('Content-Length: 5\r\n\r\nGET /')}${chunked}GET /echo?end HTTP/1.1\r\nHost: ${service}\r\nConnection: close\r\n\r\n`,
      )
      const text = await client.ended()
      t.strictSame(
        [...text.matchAll(/"octets":(\d+)/g)].map(match => match[1]),
        ['5', '3', '0'],
        service,
      )
    }
  })

  await t.test('an HTTP/1.0 client keeps its connection where it asks for it, and only then', async t => {
    for (const service of ['plain', 'orders']) {
      const kept = new RawClient(t, mesh.web)
      for (const n of [1, 2, 3])
        await kept.say(`GET /echo?n=${n} HTTP/1.0\r\nHost: ${service}\r\nConnection: keep-alive\r\n\r\n`).hears(`?n=${n}"`)
      t.match(kept.received, /connection: keep-alive/i)
      const once = new RawClient(t, mesh.web).say(`GET /echo HTTP/1.0\r\nHost: ${service}\r\n\r\n`)
      t.match(await once.ended(), /"path":"\/echo"/, service)
    }
  })

  await t.test('no request in pieces, at whatever place it is cut, is read otherwise', async t => {
    const request = 'POST /echo?pieces HTTP/1.1\r\nHost: orders\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n'
    const client = new RawClient(t, mesh.web)
    client.socket.setNoDelay(true)
    for (const octet of request) {
      client.say(octet)
      await new Promise(resolve => setImmediate(resolve))
    }
    t.match(await client.hears('"octets":5'), '"path":"/echo?pieces"')
  })
})
