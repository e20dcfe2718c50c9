import t, { type Test } from 'tap'
import { Mesh } from '../support/e2e/mesh.ts'
import { until } from '../support/e2e/process.ts'
import { type Answer, answerOf, ask, type Chain, RELAY, type Reply, seenAlong, startApp, startChain } from './support/relay-chain.ts'
import { NODE_VERSIONS, node } from './support/tools.ts'

type Seen = Answer['seen']

const DEADLINE = 'x-envoy-expected-rq-timeout-ms'

/** Ways of an app to ask the next one; see apps/relay.mjs. */
const WAYS = ['http', 'get', 'twice', 'fetch', 'undici', 'pool']

function fieldsOf(number: number): Record<string, string> {
  const hex = number.toString(16).padStart(8, '0')
  return {
    traceparent: `00-0af7651916cd43dd8448eb21${hex}-b7ad6b71${hex}-00`,
    tracestate: `vendor=${number}`,
    'x-request-id': `request-${number}`,
    baggage: `number=${number}`,
  }
}

/** What must be the same in every app. A sidecar that traces makes spans of its own, so of `traceparent` that is the trace. */
function carried(seen: Seen | Record<string, string> | undefined) {
  const { traceparent, tracestate, baggage, 'x-request-id': id } = seen ?? {}
  return { trace: traceparent?.slice(0, 35) ?? null, tracestate, baggage, id }
}

async function manyAtOnce(t: Test, { web }: Chain): Promise<void> {
  const replies = await Promise.all(
    Array.from({ length: 120 }, (_, number) => {
      const body = number % 4 < 2 ? [] : ['first', 'second']
      return ask(web.inbound, `/orders/prices?via=${WAYS[number % WAYS.length]}`, fieldsOf(number), body)
    }),
  )
  for (const [number, reply] of replies.entries()) {
    const expected = carried(fieldsOf(number))
    t.same(seenAlong(reply).map(carried), [expected, expected, expected], `request ${number}, by ${WAYS[number % WAYS.length]}`)
  }
}

async function noneRatherThanAnothers(t: Test, { web }: Chain): Promise<void> {
  const numbers = Array.from({ length: 60 }, (_, number) => number)
  const replies = await Promise.all(numbers.map(number => ask(web.inbound, '/orders?via=limited', fieldsOf(number))))
  for (const [number, reply] of replies.entries()) {
    const [, seen] = seenAlong(reply)
    t.ok([null, `number=${number}`].includes(seen?.['baggage'] ?? null), `request ${number} carried ${seen?.['baggage']}`)
  }
}

async function ownFieldsWin(t: Test, { web }: Chain): Promise<void> {
  const own = '00-11111111111111111111111111111111-2222222222222222-00'
  for (const way of WAYS) {
    const [, orders] = seenAlong(await ask(web.inbound, `/orders?via=${way}&own=${own}`, fieldsOf(1))).map(carried)
    t.same(orders, { ...carried(fieldsOf(1)), trace: own.slice(0, 35), baggage: 'own=1' }, way)
  }
  const [, listed] = seenAlong(await ask(web.inbound, '/orders?via=list', fieldsOf(1))).map(carried)
  t.match(listed, { trace: null, baggage: null }, 'a head that is given as a list of lines stays as it is')
}

async function deadlines(t: Test, { mesh, web, orders, prices }: Chain): Promise<void> {
  const remaining = (reply: Reply) => seenAlong(reply).map(seen => (seen[DEADLINE] === null ? null : Number(seen[DEADLINE])))
  t.same(remaining(await ask(web.inbound, '/orders/prices?via=fetch')), [null, null, null], 'there is none where nobody sets one')

  const [first, second, third] = remaining(await ask(web.inbound, '/orders/prices?via=fetch', { [DEADLINE]: '20000' })) as number[]
  t.equal(first, 20_000, 'inbound passes it on as it came')
  t.ok(second! <= first! && third! <= second! && third! > 0, `${first}, ${second}, ${third}: it shrinks along the chain`)

  const hanging = answerOf(await ask(orders.inbound, '/prices?via=http&hang=1', { [DEADLINE]: '400' }))
  t.match(hanging.next, { status: 504, proxyStatus: /http_response_timeout.*REQUEST_TIMEOUT/ }, 'the sidecar of who asks ends it')
  const farther = await ask(web.inbound, '/orders/prices?via=fetch&hang=1', { [DEADLINE]: '400' })
  t.match(farther.text, /"status":504,"proxyStatus":"outrider; error=http_response_timeout/, 'so does one that has it from the hop before')

  const count = async () => Number((await ask(prices.inbound, '/?count=1')).text)
  const before = await count()
  const late = answerOf(await ask(orders.inbound, '/prices?via=undici&dally=1', { [DEADLINE]: '50' }))
  t.match(late.next, { status: 504, proxyStatus: /REQUEST_TIMEOUT/ })
  t.equal(await count(), before + 1, 'past its deadline a request is not sent (the one more is the count itself)')

  const policy = `apiVersion: outrider.dev/v1
kind: TrafficPolicy
metadata: { name: orders }
spec: { targetRefs: [{ group: "", kind: Service, name: orders }], timeouts: { request: 9s } }
`
  await mesh.apply(policy)
  const [atWeb, atOrders, atPrices] = remaining(await ask(web.inbound, '/orders/prices?via=http'))
  t.equal(atWeb, null)
  t.ok(
    atOrders! <= 9_000 && atPrices! <= atOrders! && atPrices! > 0,
    `${atOrders}, ${atPrices}: a request timeout becomes a deadline of all that follows`,
  )
}

for (const version of NODE_VERSIONS) {
  t.test(`Node ${version}, behind sidecars that outrider run started`, async t => {
    const chain = await startChain(t, version)
    await t.test('the fields of a request go with it through a chain of apps, and with no other request', t => manyAtOnce(t, chain))
    await t.test('a fetch that waits for a connection carries nothing rather than what is of another request', t =>
      noneRatherThanAnothers(t, chain),
    )
    await t.test('fields that an app sets itself win', t => ownFieldsWin(t, chain))
    await t.test('deadlines shrink along the chain and end it', t => deadlines(t, chain))
  })
}

/** An app that spoils something, and serves all the same. @param code runs before the app. */
async function spoiled(t: Test, code: string, flags: readonly string[] = [], env: Record<string, string> = {}) {
  const mesh = new Mesh()
  t.teardown(() => mesh.stop())
  await mesh.startControl()
  const main = `${code}; await import(${JSON.stringify(RELAY)})`
  const [web] = await Promise.all([
    startApp(mesh, 'web', [node('26'), '--input-type=module', '--eval', main], flags, env),
    startApp(mesh, 'orders', [node('26'), RELAY]),
  ])
  await until('both serve', async () => (await ask(web.inbound, '/orders?via=http')).text.includes('"next":null'))
  const [, seen] = seenAlong(await ask(web.inbound, '/orders?via=fetch', fieldsOf(1)))
  return { web, seen }
}

const GARBAGE = `(await import('node:diagnostics_channel')).channel('http.server.request.start').publish({ request: null })`

t.test('a hook that fails is off, silently, and the app serves on', async t => {
  const { web, seen } = await spoiled(t, GARBAGE)
  t.equal(seen?.['baggage'], null)
  t.notMatch(web.run.stderr, /hook/)
})

t.test('OUTRIDER_HOOK_DEBUG says why a hook is off', async t => {
  const { web, seen } = await spoiled(t, GARBAGE, [], { OUTRIDER_HOOK_DEBUG: '1' })
  t.equal(seen?.['baggage'], null)
  t.match(web.run.stderr, /outrider: the Node hook is off: TypeError/)
  t.notMatch(web.run.stderr, /unknown variable/)
})

t.test('an app that takes away what the hook stands on is not harmed', async t => {
  const code = `(await import('node:async_hooks')).AsyncLocalStorage.prototype.enterWith = () => { throw new Error('gone') }`
  const { seen } = await spoiled(t, code)
  t.equal(seen?.['baggage'], null)
})

t.test('an app with an agent of its own as the global one is not harmed, and is carried for', async t => {
  const code = `const http = (await import('node:http')).default; http.globalAgent = new http.Agent({ keepAlive: true, proxyEnv: process.env })`
  const { seen } = await spoiled(t, code)
  t.same(carried(seen), carried(fieldsOf(1)))
})

t.test('with --no-hook nothing is carried', async t => {
  const { seen } = await spoiled(t, '0', ['--no-hook'])
  t.match(carried(seen), { trace: null, baggage: null })
  t.not(seen?.['x-request-id'], 'request-1')
})
