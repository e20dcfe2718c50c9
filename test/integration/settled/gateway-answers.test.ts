import tap from 'tap'
import { ask, httpRoute, policy, respond, service, TestMesh, Upstream } from './support.ts'

const mesh = await TestMesh.start()
const one = await new Upstream(({ line, head }) => respond(JSON.stringify({ app: 'one', line, head }))).listen()
const two = await new Upstream(({ line }) => respond(JSON.stringify({ app: 'two', line }))).listen()
const via = (await mesh.sidecar('caller', one.port)).addresses.outbound.port

tap.teardown(async () => {
  await mesh.stop()
  await Promise.all([one.close(), two.close()])
})

await mesh.apply(service('one', [one.port]) + service('two', [two.port]))

const line = (body: string): string => JSON.parse(body).line

tap.test('no match: 404, NO_ROUTE', async t => {
  await mesh.apply(httpRoute('one', '[{ matches: [{ path: { type: Exact, value: /only } }], backendRefs: [{ name: one, port: 80 }] }]'))
  t.equal((await ask(via, 'one', '/only')).status, 200)
  for (const path of ['/', '/only/', '/only2', '/Only']) {
    const answer = await ask(via, 'one', path)
    t.equal(answer.status, 404, path)
    t.match(answer.field('proxy-status'), /NO_ROUTE/)
  }
})

tap.test('what was matched is what is forwarded: dot segments and escapes', async t => {
  for (const path of ['/x/../only', '/./only', '/%6fnly', '/x/%2e%2e/only']) {
    const answer = await ask(via, 'one', path)
    t.equal(answer.status, 200, path)
    t.equal(line(answer.body), 'GET /only HTTP/1.1', path)
  }
})

tap.test('an invalid backendRef answers 500 for its share', async t => {
  await mesh.apply(httpRoute('one', '[{ backendRefs: [{ name: one, port: 80, weight: 1 }, { name: missing, port: 80, weight: 1 }] }]'))
  const statuses = await Promise.all(Array.from({ length: 60 }, async () => (await ask(via, 'one')).status))
  const wrong = statuses.filter(status => status === 500).length
  t.ok(wrong > 10 && wrong < 50, `${wrong} of 60`)
  t.equal(statuses.filter(status => status === 200).length, 60 - wrong)
})

tap.test('a rule without backends, or whose weights are all 0, answers 500 and says why', async t => {
  await mesh.apply(
    httpRoute(
      'one',
      '[{ matches: [{ path: { value: /none } }] }, { matches: [{ path: { value: /zero } }], backendRefs: [{ name: one, port: 80, weight: 0 }] }]',
    ),
  )
  for (const path of ['/none', '/zero']) {
    const answer = await ask(via, 'one', path)
    t.equal(answer.status, 500, path)
    t.match(answer.field('proxy-status'), /INVALID_BACKEND/, path)
  }
})

tap.test('a service without endpoints: 503, NO_HEALTHY_UPSTREAM', async t => {
  await mesh.apply(service('empty', []))
  const answer = await ask(via, 'empty')
  t.equal(answer.status, 503)
  t.match(answer.field('proxy-status'), /NO_HEALTHY_UPSTREAM/)
})

tap.test("a backendRef means a service's endpoints, not its routes again", async t => {
  await mesh.apply(
    httpRoute('one', '[{ backendRefs: [{ name: two, port: 80 }] }]') + httpRoute('two', '[{ backendRefs: [{ name: one, port: 80 }] }]'),
  )
  t.equal(JSON.parse((await ask(via, 'one')).body).app, 'two')
  t.equal(JSON.parse((await ask(via, 'two')).body).app, 'one')
})

tap.test('a weight of 0 takes nothing', async t => {
  await mesh.apply(httpRoute('one', '[{ backendRefs: [{ name: one, port: 80, weight: 0 }, { name: two, port: 80, weight: 1 }] }]'))
  for (let i = 0; i < 20; i++) t.equal(JSON.parse((await ask(via, 'one')).body).app, 'two')
})

tap.test('redirects: status, scheme, host, port and path as the Gateway API says', async t => {
  const redirect = (fields: string) => `filters: [{ type: RequestRedirect, requestRedirect: { ${fields} } }]`
  const at = (value: string, fields: string) => `{ matches: [{ path: { type: PathPrefix, value: ${value} } }], ${redirect(fields)} }`
  await mesh.apply(
    httpRoute(
      'one',
      `[${[
        at('/host', 'hostname: example.org'),
        at('/moved', 'statusCode: 301, hostname: example.org'),
        at('/scheme', 'scheme: https'),
        at('/port', 'port: 8443'),
        at('/full', 'path: { type: ReplaceFullPath, replaceFullPath: /new }'),
        at('/prefix', 'path: { type: ReplacePrefixMatch, replacePrefixMatch: /p }'),
        at('/top', 'path: { type: ReplacePrefixMatch, replacePrefixMatch: / }'),
      ].join(', ')}]`,
    ),
  )
  for (const [path, status, location] of [
    ['/host/a?b=c', 302, 'http://example.org/host/a?b=c'],
    ['/moved', 301, 'http://example.org/moved'],
    ['/scheme/x', 302, 'https://one/scheme/x'],
    ['/port/x', 302, 'http://one:8443/port/x'],
    ['/full/x?y', 302, 'http://one/new?y'],
    ['/prefix/x?y', 302, 'http://one/p/x?y'],
    ['/prefix', 302, 'http://one/p'],
    ['/top/x', 302, 'http://one/x'],
    ['/top', 302, 'http://one/'],
  ] as const) {
    const answer = await ask(via, 'one', path)
    t.equal(answer.status, status, path)
    t.equal(answer.field('location'), location, path)
  }
})

tap.test('rewrites: host and path', async t => {
  const rewrite = (value: string, fields: string) =>
    `{ matches: [{ path: { type: PathPrefix, value: ${value} } }], filters: [{ type: URLRewrite, urlRewrite: { ${fields} } }], backendRefs: [{ name: one, port: 80 }] }`
  await mesh.apply(
    httpRoute(
      'one',
      `[${[
        rewrite('/full', 'path: { type: ReplaceFullPath, replaceFullPath: /new }'),
        rewrite('/prefix', 'path: { type: ReplacePrefixMatch, replacePrefixMatch: /p }'),
        rewrite('/top', 'path: { type: ReplacePrefixMatch, replacePrefixMatch: / }'),
        rewrite('/host', 'hostname: other.example'),
      ].join(', ')}]`,
    ),
  )
  for (const [path, target] of [
    ['/full/x?y=1', '/new?y=1'],
    ['/prefix/x?y=1', '/p/x?y=1'],
    ['/prefix', '/p'],
    ['/prefix/', '/p/'],
    ['/top/x', '/x'],
    ['/top', '/'],
    ['/host/x', '/host/x'],
  ] as const) {
    t.equal(line((await ask(via, 'one', path)).body), `GET ${target} HTTP/1.1`, path)
  }
  t.match(JSON.parse((await ask(via, 'one', '/host')).body).head, /\r\nHost: other\.example/i)
})

tap.test('header modifiers of the rule and of the backendRef, on requests and responses', async t => {
  const modify = (type: string, prefix: string) =>
    `{ type: ${type}Modifier, ${type.charAt(0).toLowerCase()}${type.slice(1)}Modifier: { set: [{ name: X-Set, value: ${prefix} }], add: [{ name: X-Add, value: ${prefix} }], remove: [X-Gone] } }`
  await mesh.apply(
    httpRoute(
      'one',
      `[{ filters: [${modify('RequestHeader', 'rule')}, ${modify('ResponseHeader', 'rule')}], backendRefs: [{ name: one, port: 80, filters: [${modify('RequestHeader', 'backend')}] }] }]`,
    ),
  )
  const answer = await ask(via, 'one', '/', { fields: 'X-Set: mine\r\nX-Gone: 1\r\nx-add: first\r\n' })
  const { head } = JSON.parse(answer.body)
  t.equal(/x-set: (.*?)\r/i.exec(head)?.[1], 'backend')
  t.notMatch(head, /x-gone/i)
  t.match(head, /x-add: first/i)
  t.match(head, /x-add: rule/i)
  t.match(head, /x-add: backend/i)
  t.equal(answer.field('x-set'), 'rule')
})

tap.test('headers, query parameters and methods match as the Gateway API says; the most specific rule wins', async t => {
  const to = (name: string) => `backendRefs: [{ name: ${name}, port: 80 }]`
  await mesh.apply(
    httpRoute(
      'one',
      `[{ matches: [{ path: { type: PathPrefix, value: / } }], ${to('one')} },
        { matches: [{ path: { type: PathPrefix, value: /a }, headers: [{ name: X-User, value: "7" }] }], ${to('two')} },
        { matches: [{ queryParams: [{ name: q, value: "1" }] }], ${to('two')} },
        { matches: [{ method: DELETE }], ${to('two')} },
        { matches: [{ path: { type: RegularExpression, value: "/r/[0-9]+" } }], ${to('two')} }]`,
    ),
  )
  const app = async (path: string, options = {}) => JSON.parse((await ask(via, 'one', path, options)).body).app
  t.equal(await app('/a'), 'one')
  t.equal(await app('/a/b', { fields: 'x-user: 7\r\n' }), 'two')
  t.equal(await app('/ab', { fields: 'x-user: 7\r\n' }), 'one')
  t.equal(await app('/?q=1'), 'two')
  t.equal(await app('/?q=2'), 'one')
  t.equal(await app('/', { method: 'DELETE' }), 'two')
  t.equal(await app('/r/12'), 'two')
  t.equal(await app('/r/12x'), 'one')
})

tap.test('look-around and back-references are refused when they are applied', async t => {
  for (const value of ['(?=a)b', '(?!a)b', '(?<=a)b', '(a)\\\\1']) {
    const { status, json } = await mesh.tryApply(
      httpRoute('one', `[{ matches: [{ path: { type: RegularExpression, value: "${value}" } }], backendRefs: [{ name: one, port: 80 }] }]`),
    )
    t.equal(status, 422, value)
    t.match(json.errors[0].path, /matches/)
  }
})

tap.test('over a circuit breaker limit: 503 at once, UPSTREAM_OVERFLOW', async t => {
  const free = Promise.withResolvers<void>()
  const begun = Promise.withResolvers<void>()
  one.act = async () => {
    begun.resolve()
    await free.promise
    return respond('ok')
  }
  await mesh.apply(service('small', [one.port]) + policy('small', 'circuitBreaker: { maxRequests: 1 }'))
  const held = ask(via, 'small')
  await begun.promise
  const answer = await ask(via, 'small')
  t.equal(answer.status, 503)
  t.match(answer.field('proxy-status'), /UPSTREAM_OVERFLOW/)
  free.resolve()
  t.equal((await held).status, 200)
})

tap.test('maxPending: what would wait beyond it is refused at once; what waits is served', async t => {
  const free = Promise.withResolvers<void>()
  const begun = Promise.withResolvers<void>()
  one.act = async () => {
    begun.resolve()
    await free.promise
    return respond('ok')
  }
  await mesh.apply(service('narrow', [one.port]) + policy('narrow', 'circuitBreaker: { maxConnections: 1, maxPending: 1 }'))
  const held = ask(via, 'narrow')
  await begun.promise
  const pair = [ask(via, 'narrow'), ask(via, 'narrow')]
  t.match((await Promise.race(pair)).field('proxy-status'), /UPSTREAM_OVERFLOW/)
  free.resolve()
  t.equal((await held).status, 200)
  t.same((await Promise.all(pair)).map(each => each.status).sort(), [200, 503])
})

tap.test('circuit breaker limits of 0: all is refused at once, and nothing waits', async t => {
  one.act = () => respond('ok')
  for (const limit of ['maxConnections', 'maxRequests', 'maxPending']) {
    await mesh.apply(service('closed', [one.port]) + policy('closed', `circuitBreaker: { ${limit}: 0 }, retry: { attempts: 0 }`))
    const answer = await ask(via, 'closed')
    t.equal(answer.status, 503, limit)
    t.match(answer.field('proxy-status'), /UPSTREAM_OVERFLOW/)
  }
})
