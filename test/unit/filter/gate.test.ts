import t from 'tap'
import { ERRORS } from '../../../proxy/errors.ts'
import { type OverloadOptions, overload } from '../../../proxy/filter/overload.ts'
import { ownNames, target } from '../../../proxy/filter/target.ts'
import { Counters } from '../../../proxy/util/counters.ts'
import { Call, requestHead, response, routed } from './setup.ts'

const open: OverloadOptions = { maxExchanges: 2, isDraining: () => false, isAppReady: null, counters: new Counters() }
const ok = async () => response(200)

t.test('exchanges are limited; one that ends makes room', async t => {
  const handler = overload(open)(ok)
  const calls = [new Call(), new Call(), new Call()] as const
  const begin = (call: Call) => {
    const { exchange, attempt } = routed(call)
    return handler(exchange, attempt)
  }
  await begin(calls[0])
  await begin(calls[1])
  t.throws(() => begin(calls[2]), { code: 'OVERLOADED' })
  calls[2].finished?.(null)
  t.throws(() => begin(new Call()), { code: 'OVERLOADED' }, 'what was refused was not counted')
  t.equal(open.counters.get('overloaded'), 2)
  calls[0].finished?.(null)
  t.doesNotThrow(() => begin(new Call()))
})

t.test('a sidecar that leaves refuses with DRAINING, one whose app is not ready with APP_UNAVAILABLE: both are receipts', async t => {
  const { exchange, attempt } = routed(new Call())
  t.throws(() => overload({ ...open, isDraining: () => true })(ok)(exchange, attempt), { code: 'DRAINING' })
  t.throws(() => overload({ ...open, isAppReady: () => false })(ok)(exchange, attempt), { code: 'APP_UNAVAILABLE' })
  t.doesNotThrow(() => overload({ ...open, isAppReady: () => true })(ok)(exchange, attempt))
  for (const code of ['DRAINING', 'APP_UNAVAILABLE', 'OVERLOADED'] as const) t.match(ERRORS[code], { status: 503, retry: 'refused' })
})

t.test('what is refused as not ready leaves the count when it ends', async t => {
  const handler = overload({ ...open, maxExchanges: 1, isAppReady: () => false })(ok)
  for (let i = 0; i < 3; i++) {
    const call = new Call()
    const { exchange, attempt } = routed(call)
    t.throws(() => handler(exchange, attempt), { code: 'APP_UNAVAILABLE' })
    call.finished?.(null)
  }
})

t.test('inbound refuses CONNECT and foreign absolute forms, and nothing else', async t => {
  const handler = target(ownNames('orders', 'shop'))(ok)
  const handle = (head: Parameters<typeof requestHead>[0]) => {
    const { exchange, attempt } = routed(new Call(requestHead(head)), undefined, 'inbound')
    return handler(exchange, attempt)
  }
  t.throws(() => handle({ method: 'CONNECT', authority: 'orders:80', path: null }), { code: 'FORBIDDEN_TARGET' })
  for (const authority of ['example.org', 'orders.example.org', '169.254.169.254', 'orders.other']) {
    t.throws(() => handle({ isAbsoluteForm: true, authority }), { code: 'FORBIDDEN_TARGET' }, authority)
    t.doesNotThrow(() => handle({ authority }), 'Host may say anything: only the app is dialled')
  }
  for (const authority of ['orders', 'Orders.shop', 'orders.shop.svc:80', 'orders.shop.svc.cluster.local:8080']) {
    t.doesNotThrow(() => handle({ isAbsoluteForm: true, authority }), authority)
  }
})
