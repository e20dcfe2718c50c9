import t from 'tap'
import { answer, bench, until } from './support.ts'

t.test('trailers and chunk extensions over their limits break the body', async t => {
  for (const body of [`0\r\nX: ${'a'.repeat(9000)}\r\n\r\n`, `1;${'e'.repeat(300)}\r\na\r\n0\r\n\r\n`]) {
    const b = await bench({
      handle: incoming =>
        incoming.body.pipe({
          data: () => true,
          end: () => t.fail('whole'),
          fail: error => incoming.respond(answer(error.row.status, error.code)),
        }),
    })
    const all = await b.connect().say(`POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n${body}`).ended()
    t.match(all, /^HTTP\/1\.1 400 .*Connection: close.*DOWNSTREAM_PROTOCOL$/s)
    await b.close()
  }
})

t.test('octets that come before a tunnel is answered wait for it', async t => {
  let open = () => {}
  const b = await bench({
    handle: incoming => {
      open = () =>
        incoming.respond({
          head: { status: 200, headers: incoming.head.headers.copy() },
          body: {
            length: null,
            pipe: sink => incoming.body.pipe({ data: chunk => sink.data(chunk), end: () => sink.end(null), fail() {} }),
            pause() {},
            resume() {},
            cancel() {},
          },
        })
    },
  })
  t.teardown(() => b.close())
  const wire = b.connect().say('CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\nearly')
  await until(() => b.servers[0]?.active === 1)
  wire.say(' late')
  open()
  await wire.hears('early late')
})

t.test('a last answer is not cut for a reader that is slow to take it', async t => {
  const size = 4_000_000
  const b = await bench({ handle: incoming => incoming.respond(answer(200, 'x'.repeat(size))) })
  t.teardown(() => b.close())
  const wire = b.connect().say('GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')
  wire.socket.pause()
  await until(() => b.ends.length === 1)
  for (let i = 0; i < 5; i++) b.advance(1_100)
  wire.socket.resume()
  const all = await wire.ended()
  t.equal(all.length - all.indexOf('\r\n\r\n') - 4, size)
})
