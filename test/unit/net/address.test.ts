import t from 'tap'
import {
  formatHostPort,
  isLoopback,
  isWildcard,
  localAddresses,
  OwnListeners,
  parseHostPort,
  unmapped,
} from '../../../proxy/net/address.ts'

t.test('HOST:PORT is read and written, IPv6 in brackets', async t => {
  for (const text of ['127.0.0.1:80', '[::1]:0', 'orders:65535']) {
    const hostPort = parseHostPort(text)
    t.ok(hostPort)
    if (hostPort !== null) t.equal(formatHostPort(hostPort), text)
  }
})

for (const text of [
  '',
  ':80',
  '127.0.0.1',
  '::1:80',
  '[::1]',
  'a:65536',
  'a:8x',
  'a:',
  'a b:80',
  'http://a:80',
  'u@a:80',
  '[a]:80',
  '[::1:80',
]) {
  t.test(`${JSON.stringify(text)} is no HOST:PORT`, async t => {
    t.equal(parseHostPort(text), null)
  })
}

t.test('v4-mapped addresses are IPv4 in every spelling', async t => {
  for (const text of ['::ffff:127.0.0.1', '::FFFF:7f00:1', '0:0:0:0:0:ffff:127.0.0.1', '127.0.0.1']) t.equal(unmapped(text), '127.0.0.1')
  t.equal(unmapped('FE80::1%eth0'), 'fe80::1')
})

t.test('loopback and wildcard are known in every family', async t => {
  for (const each of ['127.0.0.1', '127.9.9.9', '::1', '::ffff:127.0.0.1', 'localhost']) t.ok(isLoopback(each), each)
  for (const each of ['10.0.0.1', '::2', '0.0.0.0', 'example']) t.notOk(isLoopback(each), each)
  for (const each of ['0.0.0.0', '::', '::ffff:0.0.0.0']) t.ok(isWildcard(each), each)
})

t.test('an own listener is recognised by every address that reaches it', async t => {
  const own = new OwnListeners(() => 0)
  own.add({ address: '0.0.0.0', port: 15006 })
  own.add({ address: '127.0.0.1', port: 15001 })
  own.add({ address: '10.9.8.7', port: 15006 })
  const [local = '127.0.0.1'] = localAddresses()
  for (const address of ['127.0.0.1', '::1', '127.0.0.2', '::ffff:127.0.0.1', '0.0.0.0', '::', '10.9.8.7', local])
    t.ok(own.includes(address, 15006), address)
  for (const address of ['127.0.0.1', '::ffff:127.0.0.1', '0.0.0.0']) t.ok(own.includes(address, 15001), address)
  t.notOk(own.includes('127.0.0.1', 8080))
  t.notOk(own.includes('203.0.113.9', 15006), 'another machine')
  t.notOk(own.includes('203.0.113.9', 15001))
})
