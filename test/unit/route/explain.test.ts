import t from 'tap'
import { type ExplainRequest, explainRoute, MAX_REJECTIONS } from '../../../proxy/route/explain.ts'
import { RouteTable } from '../../../proxy/route/table.ts'
import { entry, exact, head, host, is, like, match, prefix, regex } from './make.ts'

const get = (path: string | null, more: Partial<ExplainRequest> = {}): ExplainRequest => ({
  method: 'GET',
  authority: 'orders',
  path,
  headers: [],
  ...more,
})
const messages = (hosts: Parameters<typeof explainRoute>[0], request: ExplainRequest) =>
  explainRoute(hosts, request).rejected.map(each => each.message)

t.test('it names the rule that matches, where it was written, and why each earlier one did not', async t => {
  const hosts = [
    host(
      ['orders'],
      [
        entry('exact', exact('/api/2')),
        entry('seven', prefix('/api', { headers: [is('x-user', '7')] })),
        entry('post', prefix('/api', { method: 'POST' })),
        entry('debug', prefix('/api', { query: [like('debug', '1|true')] })),
        entry('versions', regex('/v[0-9]+')),
        entry('api', prefix('/api', { headers: [is('x-user', '8')] })),
        entry('rest', prefix('/')),
      ],
    ),
  ]
  const explanation = explainRoute(hosts, get('/api/./1', { headers: [['X-User', '8']] }))
  t.match(explanation, {
    path: '/api/1',
    query: null,
    virtualHost: { name: 'orders', domain: 'orders', kind: 'exact', routes: 7 },
    reason: 'orders is its domain orders',
    omitted: 0,
    match: {
      position: 6,
      route: { name: 'api', origin: 'routes.yaml:api' },
      matched: ['path prefix /api', 'header x-user is "8"'],
      matchedPrefix: '/api',
    },
  })
  t.same(
    explanation.rejected.map(each => `${each.position} ${each.name} ${each.origin}: ${each.message}`),
    [
      '1 exact routes.yaml:exact: path is "/api/1", needs exactly "/api/2"',
      '2 seven routes.yaml:seven: header x-user is "8", needs "7"',
      '3 post routes.yaml:post: method is GET, needs POST',
      '4 debug routes.yaml:debug: query parameter debug is missing, needs a match of "1|true"',
      '5 versions routes.yaml:versions: path is "/api/1", needs a match of "/v[0-9]+"',
    ],
  )
})

t.test('each rejection says the part, the field, and both values', async t => {
  const [rejection] = explainRoute([host(['orders'], [entry('a', match({ headers: [is('x', '1')] }))])], get('/')).rejected
  t.match(rejection, { part: 'header', field: 'x', actual: null, expected: '"1"', message: 'header x is missing, needs "1"' })
})

t.test('it says why a virtual host was taken', async t => {
  const hosts = [host(['*.svc'], []), host(['orders:*'], []), host(['*'], [])]
  t.equal(explainRoute(hosts, get('/', { authority: 'A.svc.' })).reason, "a.svc is none's exact domain, and its longest suffix is *.svc")
  t.equal(
    explainRoute(hosts, get('/', { authority: 'orders:81' })).reason,
    "orders:81 is none's exact domain, and its longest prefix is orders:*",
  )
  t.equal(explainRoute(hosts, get('/', { authority: 'x' })).reason, 'no other virtual host has x, and this one has the domain *')
})

t.test('nobody has the authority', async t => {
  t.match(explainRoute([], get('/')), { virtualHost: null, match: null, reason: 'no virtual host has "orders"', rejected: [] })
})

t.test('a path that is refused is told, before any route', async t => {
  const explanation = explainRoute([host(['orders'], [entry('a', match())])], get('/a/..%2fb'))
  t.match(explanation, { path: null, match: null, reason: 'the path is refused with 400: a dot segment next to %2F, %5C or ;' })
})

t.test('a pattern that was refused is given as the reason', async t => {
  t.match(messages([host(['orders'], [entry('a', regex('(?!x).*'))])], get('/')), [/which is refused: the look-ahead/])
})

t.test('of thousands of routes those are listed first whose path matched, and the rest is counted', async t => {
  const far = Array.from({ length: 10_000 }, (_, i) => entry(`far${i}`, exact(`/no/${i}`)))
  const near = Array.from({ length: 3 }, (_, i) => entry(`near${i}`, prefix('/api', { headers: [is('x', String(i))] })))
  const explanation = explainRoute([host(['orders'], [...far, ...near, entry('rest', prefix('/'))])], get('/api'))
  t.equal(explanation.rejected.length, MAX_REJECTIONS)
  t.same(
    explanation.rejected.slice(0, 4).map(each => each.name),
    ['near0', 'near1', 'near2', 'far0'],
  )
  t.equal(explanation.omitted, 10_003 - MAX_REJECTIONS)
  t.match(explanation.match, { position: 10_004, route: { name: 'rest' } })
})

t.test('it agrees with the table that decides about real requests', async t => {
  const hosts = [
    host(
      ['orders'],
      [
        entry('a', exact('/a')),
        entry('b', prefix('/b', { method: 'GET' })),
        entry('c', regex('/c.*')),
        entry('d', match({ query: [is('q', '1')] })),
      ],
    ),
  ]
  const table = new RouteTable(hosts)
  for (const path of ['/a', '/a/', '/b', '/b/x', '/cx', '/x?q=1', '/x', '/b/../a', '*', null]) {
    const found = table.find('orders', head('GET', path))
    t.equal(explainRoute(hosts, get(path)).match?.route.name ?? null, found.ok ? found.route.name : null, String(path))
  }
})
