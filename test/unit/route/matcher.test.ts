import t from 'tap'
import { FieldList } from '../../../proxy/http/fields.ts'
import { hasPrefix, Matcher, parseParameters, Subject } from '../../../proxy/route/matcher.ts'
import type { RouteMatch } from '../../../proxy/route/route.ts'
import { exact, is, like, match, prefix, regex } from './make.ts'

function matches(of: RouteMatch, method: string, target: string, headers: readonly (readonly [string, string])[] = []): boolean {
  const question = target.indexOf('?')
  const path = question === -1 ? target : target.slice(0, question)
  const query = question === -1 ? null : target.slice(question + 1)
  return new Matcher(of).matches(new Subject(method, 'orders:80', path, query, new FieldList(headers)))
}

const PATHS: readonly (readonly [of: RouteMatch, path: string, expected: boolean])[] = [
  [exact('/one'), '/one', true],
  [exact('/one'), '/one/', false],
  [exact('/one'), '/One', false],
  [exact('/one'), '/one/two', false],
  [exact('/%6fne'), '/one', true],
  [exact('/caf%c3%a9'), '/caf%C3%A9', true],
  [prefix('/'), '/', true],
  [prefix('/'), '/any/thing', true],
  [prefix('/'), '*', true],
  [prefix('/'), '', true],
  [prefix('/abc'), '/abc', true],
  [prefix('/abc'), '/abc/', true],
  [prefix('/abc'), '/abc/def', true],
  [prefix('/abc'), '/abcd', false],
  [prefix('/abc'), '/ab', false],
  [prefix('/abc'), '/abc%2Fdef', false],
  [prefix('/abc'), '/abc;x=1', false],
  [prefix('/abc/'), '/abc', true],
  [prefix('/abc/'), '/abc/def', true],
  [prefix('/abc/def'), '/abc', false],
  [prefix('/%61bc'), '/abc/x', true],
  [prefix('/x'), '*', false],
  [regex('/v[0-9]+/.*'), '/v12/x', true],
  [regex('/v[0-9]+'), '/v12/x', false],
  [regex('/v[0-9]+/.*'), '/vx/x', false],
  [regex('/a(?=b).*'), '/ab', false],
]

for (const [of, path, expected] of PATHS) {
  t.test(`${of.path.kind} ${of.path.value} ${expected ? 'matches' : 'does not match'} ${JSON.stringify(path)}`, async t => {
    t.equal(matches(of, 'GET', path), expected)
  })
}

t.test('methods are compared with their case', async t => {
  t.equal(matches(match({ method: 'GET' }), 'GET', '/'), true)
  t.equal(matches(match({ method: 'GET' }), 'get', '/'), false)
  t.equal(matches(match({ method: 'GET' }), 'HEAD', '/'), false)
})

t.test('header names have no case, their values do', async t => {
  t.equal(matches(match({ headers: [is('X-User', '7')] }), 'GET', '/', [['x-user', '7']]), true)
  t.equal(matches(match({ headers: [is('x-user', 'a')] }), 'GET', '/', [['x-user', 'A']]), false)
})

t.test('all conditions must hold', async t => {
  const both = match({ headers: [is('a', '1'), is('b', '2')] })
  t.equal(
    matches(both, 'GET', '/', [
      ['a', '1'],
      ['b', '2'],
    ]),
    true,
  )
  t.equal(matches(both, 'GET', '/', [['a', '1']]), false)
})

t.test('several lines of a field are one value, joined (RFC 9110 section 5.3)', async t => {
  const lines = [
    ['x', '1'],
    ['x', '2'],
  ] as const
  t.equal(matches(match({ headers: [is('x', '1, 2')] }), 'GET', '/', lines), true)
  t.equal(matches(match({ headers: [is('x', '1')] }), 'GET', '/', lines), false)
  t.equal(matches(match({ headers: [like('x', '(.*, )?2(, .*)?')] }), 'GET', '/', lines), true)
})

t.test('crumbs of a cookie are joined as cookies are (RFC 9113 section 8.2.3)', async t => {
  t.equal(
    matches(match({ headers: [is('cookie', 'a=1; b=2')] }), 'GET', '/', [
      ['cookie', 'a=1'],
      ['cookie', 'b=2'],
    ]),
    true,
  )
  t.equal(matches(match({ headers: [is('cookie', 'a=1')] }), 'GET', '/'), false)
})

t.test('a field that is missing matches nothing, not even the empty pattern; an empty one does', async t => {
  t.equal(matches(match({ headers: [like('x', '.*')] }), 'GET', '/'), false)
  t.equal(matches(match({ headers: [like('x', '.*')] }), 'GET', '/', [['x', '']]), true)
  t.equal(matches(match({ headers: [is('x', '')] }), 'GET', '/'), false)
})

t.test('a pattern is about the whole value', async t => {
  t.equal(matches(match({ headers: [like('x', '[0-9]+')] }), 'GET', '/', [['x', '42']]), true)
  t.equal(matches(match({ headers: [like('x', '[0-9]+')] }), 'GET', '/', [['x', 'a42']]), false)
})

t.test('host is the authority', async t => {
  t.equal(matches(match({ headers: [is('host', 'orders:80')] }), 'GET', '/'), true)
})

const QUERIES: readonly (readonly [name: string, value: string, target: string, expected: boolean])[] = [
  ['a', '1', '/?a=1', true],
  ['a', '1', '/?b=2&a=1', true],
  ['a', '1', '/?a=2', false],
  ['a', '1', '/', false],
  ['a', '1', '/?', false],
  ['a', '1', '/?A=1', false],
  ['a', '1', '/?a=1&a=2', true],
  ['a', '2', '/?a=1&a=2', false],
  ['a', '', '/?a', true],
  ['a', '', '/?a=', true],
  ['a', 'b c', '/?a=b%20c', true],
  ['a', 'b c', '/?a=b+c', true],
  ['a', 'b+c', '/?a=b%2Bc', true],
  ['a b', '1', '/?a%20b=1', true],
  ['a', 'é', '/?a=%C3%A9', true],
  ['a', '100%', '/?a=100%', true],
  ['a', '%zz ', '/?a=%zz%20', true],
  ['a', 'x=y', '/?a=x=y', true],
  ['a', '1', '/?&&a=1&', true],
  ['', '1', '/?=1', true],
  ['__proto__', '1', '/?__proto__=1', true],
]

for (const [name, value, target, expected] of QUERIES) {
  t.test(`parameter ${JSON.stringify(name)} is ${expected ? '' : 'not '}${JSON.stringify(value)} in ${target}`, async t => {
    t.equal(matches(match({ query: [is(name, value)] }), 'GET', target), expected)
  })
}

t.test('an escape that is no UTF-8 is decoded with replacement characters', async t => {
  t.same(
    [...parseParameters('a=%ff&b=1')],
    [
      ['a', '\ufffd'],
      ['b', '1'],
    ],
  )
})

t.test('a prefix ends where a segment ends', async t => {
  t.equal(hasPrefix('/a/b', '/a'), true)
  t.equal(hasPrefix('/ab', '/a'), false)
  t.equal(hasPrefix('/a', '/a/b'), false)
})
