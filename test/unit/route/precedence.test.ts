import t from 'tap'
import { compareRules, type Ranked, shadows } from '../../../proxy/route/precedence.ts'
import type { RouteMatch } from '../../../proxy/route/route.ts'
import { RouteTable } from '../../../proxy/route/table.ts'
import { entry, exact, head, host, is, like, match, numbers, prefix, regex } from './make.ts'

const ranked = (of: RouteMatch, more: Partial<Ranked> = {}): Ranked => ({
  match: of,
  createdAt: '2026-01-01T00:00:00Z',
  namespacedName: 'default/orders',
  ruleIndex: 0,
  matchIndex: 0,
  ...more,
})

const PAIRS: readonly (readonly [why: string, first: Ranked, second: Ranked])[] = [
  ['an exact path before a longer prefix', ranked(exact('/a')), ranked(prefix('/a/much/longer'))],
  ['an exact path before a pattern', ranked(exact('/a')), ranked(regex('/a.*long'))],
  ['a pattern before a prefix', ranked(regex('/a.*')), ranked(prefix('/a/b/c/d'))],
  ['a longer pattern before a shorter one', ranked(regex('/a/b.*')), ranked(regex('/a.*'))],
  ['a longer prefix before a shorter one', ranked(prefix('/a/b')), ranked(prefix('/a', { method: 'GET', headers: [is('x', '1')] }))],
  ['a method before more headers', ranked(prefix('/', { method: 'GET' })), ranked(prefix('/', { headers: [is('x', '1'), is('y', '1')] }))],
  [
    'more headers before fewer',
    ranked(match({ headers: [is('x', '1'), is('y', '1')] })),
    ranked(match({ headers: [is('x', '1')], query: [is('q', '1'), is('r', '1')] })),
  ],
  ['more query parameters before fewer', ranked(match({ query: [is('x', '1')] })), ranked(match())],
  ['the older route, whatever its name', ranked(match(), { createdAt: '2025-01-01T00:00:00Z', namespacedName: 'z/z' }), ranked(match())],
  [
    'the older route, whatever the time zone it was written in',
    ranked(match(), { createdAt: '2026-01-01T00:30:00+01:00' }),
    ranked(match()),
  ],
  ['what is stored before what is not yet', ranked(match(), { namespacedName: 'z/z' }), ranked(match(), { createdAt: '' })],
  [
    'the name where both are equally old',
    ranked(match(), { namespacedName: 'a/z', ruleIndex: 9 }),
    ranked(match(), { namespacedName: 'b/a' }),
  ],
  ['the first rule of a route', ranked(match(), { matchIndex: 5 }), ranked(match(), { ruleIndex: 1 })],
  ['the first match of a rule', ranked(match()), ranked(match(), { matchIndex: 1 })],
  ['the first of two exact paths, not the longer one', ranked(exact('/a')), ranked(exact('/long'), { ruleIndex: 1 })],
]

for (const [why, first, second] of PAIRS) {
  t.test(`precedence: ${why}`, async t => {
    t.ok(compareRules(first, second) < 0)
    t.ok(compareRules(second, first) > 0)
    t.equal(compareRules(first, first), 0)
  })
}

/** The rules of the Gateway API's conformance tests, in the order in which they are written there. */
function route(rules: readonly (readonly [to: string, matches: readonly RouteMatch[]])[]): RouteTable {
  const candidates = rules.flatMap(([to, matches], ruleIndex) =>
    matches.map((each, matchIndex) => ({ ...ranked(each, { ruleIndex, matchIndex }), entry: entry(to, each) })),
  )
  return new RouteTable([
    host(
      ['orders'],
      candidates.sort(compareRules).map(each => each.entry),
    ),
  ])
}

function to(table: RouteTable, path: string, headers: Record<string, string> = {}, method = 'GET'): string {
  const found = table.find('orders', head(method, path, Object.entries(headers)))
  return found.ok ? found.route.name : '404'
}

t.test('conformance: HTTPRouteMatching', async t => {
  const table = route([
    ['v1', [prefix('/'), match({ headers: [is('version', 'one')] })]],
    ['v2', [prefix('/v2'), match({ headers: [is('version', 'two')] })]],
  ])
  t.equal(to(table, '/'), 'v1')
  t.equal(to(table, '/example'), 'v1')
  t.equal(to(table, '/', { version: 'one' }), 'v1')
  t.equal(to(table, '/v2'), 'v2')
  t.equal(to(table, '/v2example'), 'v1', 'a prefix is matched by segments')
  t.equal(to(table, '/v2/'), 'v2')
  t.equal(to(table, '/v2/example'), 'v2')
  t.equal(to(table, '/', { version: 'two' }), 'v2')
})

t.test('conformance: HTTPRoutePathMatchOrder', async t => {
  const table = route([
    ['v3', [prefix('/match'), exact('/match/exact')]],
    ['v2', [prefix('/match/prefix/one'), exact('/match/exact/one')]],
    ['v1', [prefix('/match/prefix/one/any'), prefix('/match/any'), exact('/match/exact/one/two')]],
  ])
  t.equal(to(table, '/match/exact/one'), 'v2')
  t.equal(to(table, '/match/exact'), 'v3')
  t.equal(to(table, '/match/exact/one/two'), 'v1')
  t.equal(to(table, '/match/prefix/one/any'), 'v1')
  t.equal(to(table, '/match/prefix/one/a'), 'v2')
  t.equal(to(table, '/match/any'), 'v1')
  t.equal(to(table, '/match/other'), 'v3')
  t.equal(to(table, '/matchother'), '404')
})

t.test('conformance: HTTPRouteHeaderMatching', async t => {
  const table = route([
    ['v1', [match({ headers: [is('version', 'one')] })]],
    ['v2', [match({ headers: [is('version', 'two')] })]],
    [
      'v1',
      [
        match({ headers: [is('version', 'two'), is('color', 'orange')] }),
        match({ headers: [is('color', 'blue')] }),
        match({ headers: [is('color', 'green')] }),
      ],
    ],
    ['v2', [match({ headers: [is('color', 'red')] }), match({ headers: [is('color', 'yellow')] })]],
  ])
  t.equal(to(table, '/', { version: 'one' }), 'v1')
  t.equal(to(table, '/', { version: 'two' }), 'v2')
  t.equal(to(table, '/', { version: 'two', color: 'orange' }), 'v1')
  t.equal(to(table, '/', { color: 'blue' }), 'v1')
  t.equal(to(table, '/', { color: 'red' }), 'v2')
  t.equal(to(table, '/', { color: 'orange' }), '404')
  t.equal(to(table, '/', { 'some-other-header': 'one' }), '404')
})

t.test('conformance: HTTPRouteQueryParamMatching', async t => {
  const table = route([
    ['v1', [match({ query: [is('animal', 'whale')] })]],
    ['v2', [match({ query: [is('animal', 'dolphin')] })]],
    ['v3', [match({ query: [is('animal', 'dolphin'), is('color', 'blue')] }), match({ query: [is('ANIMAL', 'Whale')] })]],
    [
      'v1',
      [prefix('/path1', { query: [is('animal', 'whale')] }), match({ headers: [is('version', 'one')], query: [is('animal', 'whale')] })],
    ],
  ])
  t.equal(to(table, '/?animal=whale'), 'v1')
  t.equal(to(table, '/?animal=dolphin'), 'v2')
  t.equal(to(table, '/?animal=whale&otherparam=irrelevant'), 'v1')
  t.equal(to(table, '/?animal=dolphin&color=blue'), 'v3')
  t.equal(to(table, '/?ANIMAL=Whale'), 'v3')
  t.equal(to(table, '/path1?animal=whale'), 'v1')
  t.equal(to(table, '/?animal=dog'), '404')
  t.equal(to(table, '/?animal=whaledolphin'), '404')
  t.equal(to(table, '/'), '404')
})

t.test('conformance: HTTPRouteMethodMatching, with its order of precedence', async t => {
  const table = route([
    ['v1', [match({ method: 'POST' })]],
    ['v2', [match({ method: 'GET' })]],
    ['v3', [prefix('/path5')]],
    ['v1', [match({ method: 'PATCH' })]],
    ['v2', [prefix('/path5', { headers: [is('version', 'five')] }), match({ method: 'PATCH', headers: [is('version', 'four')] })]],
  ])
  t.equal(to(table, '/', {}, 'POST'), 'v1')
  t.equal(to(table, '/', {}, 'GET'), 'v2')
  t.equal(to(table, '/', {}, 'HEAD'), '404')
  t.equal(to(table, '/path5', {}, 'PATCH'), 'v3', 'the longer path comes before the method')
  t.equal(to(table, '/', { version: 'four' }, 'PATCH'), 'v2')
})

const SHADOWS: readonly (readonly [a: RouteMatch, b: RouteMatch, expected: boolean])[] = [
  [prefix('/'), exact('/a'), true],
  [prefix('/'), regex('/.*'), true],
  [prefix('/a'), prefix('/a/b'), true],
  [prefix('/a/'), prefix('/a'), true],
  [prefix('/a'), prefix('/ab'), false],
  [prefix('/a'), regex('/a/.*'), false],
  [exact('/a'), exact('/a'), true],
  [exact('/%61'), exact('/a'), true],
  [exact('/a'), prefix('/a'), false],
  [regex('/a.*'), exact('/ab'), true],
  [regex('/a.*'), exact('/b'), false],
  [regex('/a.*'), regex('/a.*'), true],
  [regex('.*'), prefix('/a'), true],
  [regex('/a(?=b)'), exact('/a'), false],
  [match(), match({ method: 'GET', headers: [is('x', '1')], query: [is('q', '1')] }), true],
  [match({ method: 'GET' }), match(), false],
  [match({ method: 'GET' }), match({ method: 'POST' }), false],
  [match({ headers: [is('X', '1')] }), match({ headers: [is('y', '2'), is('x', '1')] }), true],
  [match({ headers: [is('x', '1')] }), match({ headers: [is('x', '2')] }), false],
  [match({ headers: [like('x', '[0-9]')] }), match({ headers: [is('x', '2')] }), true],
  [match({ headers: [is('x', '2')] }), match({ headers: [like('x', '[0-9]')] }), false],
  [match({ query: [is('q', '1')] }), match({ query: [is('Q', '1')] }), false],
  [match({ query: [is('q', '1')] }), match(), false],
]

for (const [a, b, expected] of SHADOWS) {
  t.test(`${JSON.stringify(a)} ${expected ? 'shadows' : 'does not shadow'} ${JSON.stringify(b)}`, async t => {
    t.equal(shadows(a, b), expected)
  })
}

t.test('where one match shadows another, no request tells otherwise', async t => {
  const random = numbers(5)
  const part = (): RouteMatch => ({
    path: random.pick([exact('/a'), exact('/a/b'), prefix('/'), prefix('/a'), regex('/a.*'), regex('.*')]).path,
    method: random.pick([null, null, 'GET']),
    headers: random.pick([[], [is('x', '1')], [like('x', '.')]]),
    query: random.pick([[], [is('q', '1')], [like('q', '[12]')]]),
  })
  let count = 0
  for (let round = 0; round < 5_000; round++) {
    const [a, b] = [part(), part()]
    if (!shadows(a, b)) continue
    count++
    const [all, some] = [a, b].map(each => new RouteTable([host(['orders'], [entry('it', each)])])) as [RouteTable, RouteTable]
    const request = [
      random.pick(['/a', '/a/b', '/b', '/ab']) + random.pick(['', '?q=1', '?q=2']),
      random.pick([{}, { x: '1' }, { x: '2' }]),
      random.pick(['GET', 'POST']),
    ] as const
    if (to(some, ...request) === 'it' && to(all, ...request) !== 'it') {
      t.fail(`${JSON.stringify(a)} does not match ${JSON.stringify(request)}, ${JSON.stringify(b)} does`)
      return
    }
  }
  t.ok(count > 500, `${count} pairs`)
})
