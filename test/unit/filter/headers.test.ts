import t from 'tap'
import { type HeadersOptions, headers, responseHeaders } from '../../../proxy/filter/headers.ts'
import type { Modifiers } from '../../../proxy/route/route.ts'
import { Counters } from '../../../proxy/util/counters.ts'
import { seededRandom } from '../../../proxy/util/random.ts'
import { Call, requestHead, response, routed, routeTo, Upstream } from './setup.ts'

interface Options {
  fields?: [string, string][]
  direction?: 'inbound' | 'outbound'
  cluster?: string
  via?: string | null
  ofRule?: Partial<Modifiers>
  ofBackend?: Partial<Modifiers>
}

const NO_CHANGE: Modifiers = { request: null, response: null, host: null, path: null }

function setUp(options: Options = {}) {
  const upstream = new Upstream()
  const counters = new Counters()
  const call = new Call(requestHead({ path: '/api/1' }, options.fields))
  const route = { ...routeTo('orders'), modifiers: options.ofRule === undefined ? null : { ...NO_CHANGE, ...options.ofRule } }
  const { exchange, attempt } = routed(call, route, options.direction, options.cluster)
  exchange.matchedPrefix = '/api'
  const ofBackend = options.ofBackend
  if (ofBackend !== undefined) exchange.backend = { cluster: 'orders', weight: 1, modifiers: { ...NO_CHANGE, ...ofBackend } }
  const filterOptions: HeadersOptions = {
    random: seededRandom(new Uint8Array(16).fill(1)),
    counters,
    via: options.via === undefined ? 'n-outbound' : options.via,
    passthrough: 'passthrough',
  }
  const handle = () => headers(filterOptions)(upstream.handler)(exchange, attempt)
  const finish = responseHeaders(filterOptions)
  return { upstream, counters, exchange, attempt, handle, finish, sent: attempt.head.headers, came: call.head.headers }
}

t.test('outbound makes a request id and adds Via; the exchange keeps what came', async t => {
  const { handle, sent, came } = setUp()
  void handle()
  t.match(sent.get('x-request-id'), /^[0-9a-f-]{36}$/)
  t.equal(sent.get('via'), '1.1 n-outbound')
  t.notOk(came.has('via'))
})

t.test('outbound never adds or changes X-Forwarded-*', async t => {
  const { handle, sent } = setUp({ fields: [['x-forwarded-for', '1.2.3.4']] })
  void handle()
  t.equal(sent.joined('x-forwarded-for'), '1.2.3.4')
  t.notOk(sent.has('x-forwarded-proto'))
  t.notOk(sent.has('x-forwarded-host'))
})

t.test('inbound sets X-Forwarded-For, -Proto and -Host if absent', async t => {
  const bare = setUp({ direction: 'inbound' })
  void bare.handle()
  t.equal(bare.sent.get('x-forwarded-for'), '10.0.0.9')
  t.equal(bare.sent.get('x-forwarded-proto'), 'http')
  t.equal(bare.sent.get('x-forwarded-host'), 'orders')
  const fields: [string, string][] = [
    ['x-forwarded-for', '1.2.3.4'],
    ['x-forwarded-proto', 'https'],
    ['x-forwarded-host', 'shop.example'],
  ]
  const filled = setUp({ direction: 'inbound', fields })
  void filled.handle()
  for (const [name, value] of fields) t.equal(filled.sent.joined(name), value)
})

t.test('to hosts outside the mesh nothing is added, and baggage is removed', async t => {
  const { handle, finish, exchange, sent } = setUp({ cluster: 'passthrough', fields: [['baggage', 'user=7']] })
  void handle()
  const names: string[] = []
  sent.forEach(name => {
    names.push(name)
  })
  t.same(names, [])
  const answer = response(200)
  finish(exchange, answer.head)
  t.notOk(answer.head.headers.has('via'))
})

t.test('inside the mesh baggage stays', async t => {
  const { handle, sent } = setUp({ fields: [['baggage', 'user=7']] })
  void handle()
  t.equal(sent.get('baggage'), 'user=7')
})

t.test('a request that was here five times is a loop', async t => {
  const own: [string, string] = ['via', '1.1 n-outbound']
  const { handle, counters } = setUp({ fields: [own, own, own, own, own] })
  t.throws(handle, { code: 'LOOP' })
  t.equal(counters.get('loop_refused'), 1)
  t.doesNotThrow(() => void setUp({ fields: [own, own, own, own] }).handle())
})

t.test('with Via off it is neither added nor looked at', async t => {
  const own: [string, string] = ['via', '1.1 n-outbound']
  const { handle, finish, exchange, sent } = setUp({ via: null, fields: [own, own, own, own, own] })
  void handle()
  t.equal(sent.joined('via')?.split(', ').length, 5)
  const answer = response(200)
  finish(exchange, answer.head)
  t.notOk(answer.head.headers.has('via'))
})

t.test('modifiers of the rule come before those of its backendRef', async t => {
  const { handle, finish, exchange, attempt, sent } = setUp({
    fields: [['x-gone', '1']],
    ofRule: {
      request: { set: [['x-a', 'rule']], add: [], remove: ['x-gone'] },
      response: { set: [['x-r', 'rule']], add: [], remove: [] },
      path: { kind: 'prefix', value: '/v2' },
    },
    ofBackend: {
      request: { set: [], add: [['x-a', 'backend']], remove: [] },
      response: { set: [['x-r', 'backend']], add: [], remove: [] },
      host: 'v2.example',
    },
  })
  void handle()
  t.equal(sent.joined('x-a'), 'rule, backend')
  t.notOk(sent.has('x-gone'))
  t.equal(attempt.head.path, '/v2/1')
  t.equal(attempt.head.authority, 'v2.example')
  const answer = response(200)
  finish(exchange, answer.head)
  t.equal(answer.head.headers.get('x-r'), 'backend')
  t.equal(answer.head.headers.get('via'), '1.1 n-outbound')
})
