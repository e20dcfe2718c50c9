import t from 'tap'
import { guard, isLoopback } from '../../../../control/api/guard.ts'

/** Whether a request with these headers is let in by a listener on `bound`. */
function isLetIn(bound: string, headers: Record<string, string>): boolean {
  try {
    guard({ headers } as never, { host: bound, port: 15_080 })
    return true
  } catch {
    return false
  }
}

const CASES: readonly (readonly [bound: string, host: string, isLetIn: boolean])[] = [
  ['127.0.0.1', 'localhost:15080', true],
  ['127.0.0.1', '127.0.0.1:15080', true],
  ['127.0.0.1', '[::1]', true],
  ['127.0.0.1', '', false],
  ['127.0.0.1', '10.0.0.1', false],
  ['127.0.0.1', 'rebound.example', false],
  ['127.0.0.1', 'localhost.rebound.example', false],
  ['127.0.0.1', 'localhost:80:80', false],
  ['10.0.0.1', '10.0.0.1:15080', true],
  ['10.0.0.1', '10.0.0.2:15080', false],
  ['0.0.0.0', '10.0.0.2:15080', true],
  ['0.0.0.0', '[fe80::1]:15080', true],
  ['0.0.0.0', 'rebound.example', false],
  ['::', '192.168.1.1', true],
  ['::1', '[::1]:15080', true],
]

for (const [bound, host, isAllowed] of CASES) {
  t.test(`bound to ${bound}, Host ${JSON.stringify(host)} is ${isAllowed ? 'served' : 'refused'}, as Host and as Origin`, async t => {
    t.equal(isLetIn(bound, { host }), isAllowed)
    t.equal(isLetIn(bound, { host: 'localhost', origin: `http://${host}` }), isAllowed)
  })
}

t.test('addresses that only this machine reaches', async t => {
  for (const host of ['127.0.0.1', '127.8.0.1', 'localhost', '::1', '::ffff:127.0.0.1']) t.equal(isLoopback(host), true, host)
  for (const host of ['0.0.0.0', '::', '10.0.0.1', '127.0.0.1.example', 'example']) t.equal(isLoopback(host), false, host)
})
