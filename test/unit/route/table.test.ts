import t from 'tap'
import { FieldList } from '../../../proxy/http/fields.ts'
import { DomainTable } from '../../../proxy/route/domain.ts'
import { Matcher, Subject } from '../../../proxy/route/matcher.ts'
import { normalisePath } from '../../../proxy/route/normalise.ts'
import type { RouteEntry, RouteMatch, VirtualHost } from '../../../proxy/route/route.ts'
import { RouteTable } from '../../../proxy/route/table.ts'
import { entry, exact, head, host, is, like, match, numbers, prefix, regex } from './make.ts'

function nameOf(table: RouteTable, method: string, path: string | null, headers: readonly (readonly [string, string])[] = []): string {
  const found = table.find('orders', head(method, path, headers))
  return found.ok ? found.route.name : found.reason
}

t.test('the first route in order that matches is taken', async t => {
  const table = new RouteTable([host(['orders'], [entry('any', prefix('/a')), entry('exact', exact('/a/b')), entry('rest', prefix('/'))])])
  t.equal(nameOf(table, 'GET', '/a/b'), 'any', 'an exact path that stands later does not overtake')
  t.equal(nameOf(table, 'GET', '/b'), 'rest')
})

t.test('paths, methods, headers and query parameters decide together', async t => {
  const table = new RouteTable([
    host(
      ['orders'],
      [
        entry('seven', prefix('/api', { headers: [is('x-user', '7')] })),
        entry('post', prefix('/api', { method: 'POST' })),
        entry('debug', match({ query: [like('debug', '1|true')] })),
        entry('version', regex('/v[0-9]+/.*')),
        entry('api', prefix('/api')),
      ],
    ),
  ])
  t.equal(nameOf(table, 'POST', '/api/1', [['x-user', '7']]), 'seven')
  t.equal(nameOf(table, 'POST', '/api/1', [['x-user', '8']]), 'post')
  t.equal(nameOf(table, 'GET', '/api/1?debug=true'), 'debug')
  t.equal(nameOf(table, 'GET', '/api/1?debug=0'), 'api')
  t.equal(nameOf(table, 'GET', '/v2/x'), 'version')
  t.equal(nameOf(table, 'GET', '/apix'), 'route')
})

t.test('what was matched is what is forwarded', async t => {
  const table = new RouteTable([host(['orders'], [entry('admin', prefix('/admin')), entry('public', prefix('/'))])])
  const found = table.find('orders', head('GET', '/public/%2e%2e/%61dmin/./x?q=%61'))
  t.match(found, {
    ok: true,
    path: '/admin/x',
    query: 'q=%61',
    target: '/admin/x?q=%61',
    matchedPrefix: '/admin',
    route: { name: 'admin' },
  })
})

t.test('a malformed path is told from a missing route', async t => {
  const table = new RouteTable([host(['orders'], [entry('any', prefix('/'))])])
  t.match(table.find('orders', head('GET', '/a/..%2fb')), { ok: false, reason: 'path', message: 'a dot segment next to %2F, %5C or ;' })
  t.match(table.find('nobody', head('GET', '/')), { ok: false, reason: 'host', virtualHost: null })
})

t.test('a known name with an unknown port has no routes, and does not fall through', async t => {
  const table = new RouteTable([
    host(['orders', 'orders:80'], [entry('a', prefix('/'))]),
    host(['orders:*'], []),
    host(['*'], [entry('out', prefix('/'))]),
  ])
  t.match(table.find('orders:81', head('GET', '/')), { ok: false, reason: 'route', virtualHost: { name: 'orders:*' } })
  t.match(table.find('example.org', head('GET', '/')), { ok: true, route: { name: 'out' } })
})

t.test('CONNECT and OPTIONS * have no path: only the prefix / matches', async t => {
  const table = new RouteTable([host(['orders'], [entry('a', prefix('/a')), entry('any', prefix('/'))])])
  t.match(table.find('orders', head('CONNECT', null)), { ok: true, target: null, path: '', route: { name: 'any' } })
  t.match(table.find('orders', head('OPTIONS', '*')), { ok: true, target: '*', route: { name: 'any' } })
})

t.test('the host of a CONNECT is found without its routes', async t => {
  const table = new RouteTable([host(['orders:80'], [])])
  t.equal(table.findHost('ORDERS:80')?.host.name, 'orders:80')
  t.equal(table.findHost('users:80'), null)
})

t.test('what the prefix matched is known, for rewrites', async t => {
  const table = new RouteTable([
    host(['orders'], [entry('e', exact('/e')), entry('p', prefix('/p/')), entry('r', regex('/r.*')), entry('any', prefix('/'))]),
  ])
  const matchedPrefix = (path: string) => {
    const found = table.find('orders', head('GET', path))
    return found.ok ? found.matchedPrefix : null
  }
  t.equal(matchedPrefix('/p/x'), '/p')
  t.equal(matchedPrefix('/x'), '/')
  t.equal(matchedPrefix('/e'), '')
  t.equal(matchedPrefix('/rx'), '')
})

t.test('a pattern that is refused matches nothing and harms no other route', async t => {
  const table = new RouteTable([host(['orders'], [entry('bad', regex('/a(?=b).*')), entry('rest', prefix('/'))])])
  t.equal(nameOf(table, 'GET', '/ab'), 'rest')
})

/** As the specification reads: every route in order. */
function scan(virtualHosts: readonly VirtualHost[], authority: string, method: string, target: string, headers: FieldList): string {
  const found = new DomainTable(virtualHosts).find(authority)
  const normalised = normalisePath(target)
  if (found === null) return 'host'
  if (!normalised.ok) return 'path'
  const subject = new Subject(method, authority, normalised.path, normalised.query, headers)
  return found.host.routes.find(each => new Matcher(each.match).matches(subject))?.route.name ?? 'route'
}

t.test('it answers as a scan of all routes does, on thousands of random tables and requests', async t => {
  const random = numbers(4)
  const segments = ['a', 'b', 'ab', 'c', '%61', '..', '%2Fa', '', '%2F..']
  const path = (longest: number) => {
    let text = ''
    for (let i = random.below(longest + 1); i > 0; i--) text += `/${random.pick(segments)}`
    return text || '/'
  }
  const rule = (): RouteMatch => {
    const kind = random.pick(['exact', 'prefix', 'prefix', 'regex'] as const)
    const value = kind === 'regex' ? random.pick(['/a.*', '.*/b', '/(a|b)/?.*', '.*', '/ab?', '/a/[^/]*']) : path(3)
    return match({
      path: { kind, value },
      method: random.below(4) === 0 ? random.pick(['GET', 'POST']) : null,
      headers: random.below(4) === 0 ? [random.pick([is('x', '1'), is('x', '2'), like('x', '[12]')])] : [],
      query: random.below(5) === 0 ? [random.pick([is('q', '1'), like('q', '.+')])] : [],
    })
  }
  const outcomes = new Map<string, number>()
  for (let round = 0; round < 2_000; round++) {
    const hosts = [['orders', 'orders:80'], ['orders:*'], ['*.x'], ['*']].slice(0, 4 - random.below(3)).map(domains => {
      const routes: RouteEntry[] = []
      for (let i = random.below(12); i > 0; i--) routes.push(entry(`${domains[0]} ${i}`, rule()))
      return host(domains, routes)
    })
    const table = new RouteTable(hosts)
    for (let requests = 0; requests < 8; requests++) {
      const authority = random.pick(['orders', 'Orders:80', 'orders:9', 'a.x', 'other'])
      const method = random.pick(['GET', 'POST', 'PUT'])
      const target = path(4) + random.pick(['', '', '?q=1', '?q=2', '?q', '?q=&q=1'])
      const headers = random.pick([[], [['x', '1']], [['x', '3']]] as (readonly (readonly [string, string])[])[])
      const expected = scan(hosts, authority, method, target, new FieldList(headers))
      const found = table.find(authority, head(method, target, headers))
      const actual = found.ok ? found.route.name : found.reason
      if (actual !== expected) {
        t.fail(
          `${method} ${authority} ${target}: ${actual} instead of ${expected} in ${JSON.stringify(hosts.map(each => each.routes.map(route => route.match)))}`,
        )
        return
      }
      const outcome = found.ok ? 'found' : actual
      outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1)
    }
  }
  for (const outcome of ['found', 'route', 'host', 'path'])
    t.ok((outcomes.get(outcome) ?? 0) > 20, `${outcomes.get(outcome)} times ${outcome}`)
})

/** Half exact paths, half prefixes, with a rule for all the rest, as operators write them. */
function tableOf(count: number): RouteTable {
  const routes = Array.from({ length: count - 1 }, (_, i) =>
    i % 2 === 0 ? entry(`e${i}`, exact(`/api/v1/exact-${i}`)) : entry(`p${i}`, prefix(`/api/v1/prefix-${i}`)),
  )
  return new RouteTable([host(['orders'], [...routes, entry('rest', prefix('/'))])])
}

t.test('10,000 exact and prefix routes: as many routes are looked at as with 10', async t => {
  const small = tableOf(10)
  const large = tableOf(10_000)
  for (const table of [small, large]) {
    const last = table === small ? 8 : 9_998
    t.equal(nameOf(table, 'GET', `/api/v1/exact-${last}`), `e${last}`)
    t.equal(nameOf(table, 'GET', `/api/v1/prefix-${last - 1}/x/y`), `p${last - 1}`)
    t.equal(nameOf(table, 'GET', '/api/v1/none/x'), 'rest')
  }
  t.equal(large.examined, small.examined)
  t.equal(large.examined, 3)
})

t.test('10,000 virtual hosts: the right one is found, and only its routes are looked at', async t => {
  const hosts = Array.from({ length: 10_000 }, (_, i) => host([`s${i}`, `s${i}:80`], [entry(`r${i}`, prefix('/'))]))
  const table = new RouteTable(hosts)
  t.match(table.find('s9999:80', head('GET', '/')), { ok: true, route: { name: 'r9999' } })
  t.equal(table.examined, 1)
})
