import t from 'tap'
import { FieldList } from '../../../proxy/http/fields.ts'
import { modifyRequest, modifyResponse, modifyTarget, redirectLocation } from '../../../proxy/route/modify.ts'
import type { HeaderModifier, Modifiers, RouteAction } from '../../../proxy/route/route.ts'
import { head } from './make.ts'

const none: Modifiers = { request: null, response: null, host: null, path: null }
const headers = (parts: Partial<HeaderModifier>): HeaderModifier => ({ set: [], add: [], remove: [], ...parts })

function lines(fields: { forEach(visit: (name: string, value: string) => void): void }): string[] {
  const all: string[] = []
  fields.forEach((name, value) => {
    all.push(`${name}: ${value}`)
  })
  return all
}

t.test('header fields are set, added, then removed', async t => {
  const request = head('GET', '/', [
    ['x', '1'],
    ['x', '2'],
    ['y', '3'],
    ['z', '4'],
  ])
  modifyRequest(
    {
      ...none,
      request: headers({
        set: [['x', 'new']],
        add: [
          ['y', 'more'],
          ['w', '5'],
        ],
        remove: ['z'],
      }),
    },
    request,
    '',
  )
  t.same(lines(request.headers), ['x: new', 'y: 3', 'y: more', 'w: 5'])
})

t.test('a response has modifiers of its own', async t => {
  const response = { status: 200, headers: new FieldList([['server', 'x']]) }
  modifyResponse({ ...none, request: headers({ remove: ['server'] }), response: headers({ add: [['x', '1']] }) }, response)
  t.same(lines(response.headers), ['server: x', 'x: 1'])
})

t.test('fields that frame or direct a message are left alone', async t => {
  const request = head('POST', '/', [['content-length', '5']])
  const names = ['content-length', 'transfer-encoding', 'connection', 'host', 'te', 'upgrade', ':path']
  modifyRequest({ ...none, request: headers({ set: names.map(name => [name, 'x'] as const), remove: names }) }, request, '')
  t.same(lines(request.headers), ['content-length: 5'])
})

t.test('the host is rewritten in the authority', async t => {
  const request = head('GET', '/')
  modifyRequest({ ...none, host: 'other.example' }, request, '')
  t.equal(request.authority, 'other.example')
})

/** The table of HTTPPathModifier in the Gateway API, and what follows from it. */
const PREFIXES: readonly (readonly [path: string, prefix: string, replacement: string, expected: string])[] = [
  ['/foo/bar', '/foo', '/xyz', '/xyz/bar'],
  ['/foo/bar', '/foo', '/xyz/', '/xyz/bar'],
  ['/foo/bar', '/foo/', '/xyz', '/xyz/bar'],
  ['/foo/bar', '/foo/', '/xyz/', '/xyz/bar'],
  ['/foo', '/foo', '/xyz', '/xyz'],
  ['/foo/', '/foo', '/xyz', '/xyz/'],
  ['/foo/bar', '/foo', '', '/bar'],
  ['/foo/', '/foo', '', '/'],
  ['/foo', '/foo', '', '/'],
  ['/foo/', '/foo', '/', '/'],
  ['/foo', '/foo', '/', '/'],
  ['/foo/bar', '/foo', '/', '/bar'],
  ['/foo', '/foo', '/xyz/', '/xyz'],
  ['/bar', '/', '/xyz', '/xyz/bar'],
  ['/', '/', '/xyz', '/xyz/'],
  ['/foo/bar?a=/foo', '/foo', '/xyz', '/xyz/bar?a=/foo'],
  ['/foo?a', '/foo', '', '/?a'],
  ['/foo/bar', '', '/xyz', '/foo/bar'],
]

for (const [path, prefix, replacement, expected] of PREFIXES) {
  t.test(`${path} with ${JSON.stringify(replacement)} for the prefix ${JSON.stringify(prefix)} is ${expected}`, async t => {
    t.equal(modifyTarget({ kind: 'prefix', value: replacement }, path, prefix), expected)
  })
}

t.test('a full replacement keeps the query', async t => {
  const full = (value: string, target: string) => modifyTarget({ kind: 'full', value }, target, '')
  t.equal(full('/new', '/old/path?x=1'), '/new?x=1')
  t.equal(full('/new', '/old'), '/new')
  t.equal(full('new', '/old'), '/new')
  t.equal(full('/new?y=2', '/old?x=1'), '/new?y=2&x=1')
  t.equal(full('/new?y=2', '/old'), '/new?y=2')
})

t.test('OPTIONS * and CONNECT have no path to rewrite', async t => {
  for (const path of ['*', null]) {
    const request = head('OPTIONS', path)
    modifyRequest({ ...none, path: { kind: 'full', value: '/x' } }, request, '/')
    t.equal(request.path, path)
  }
})

type Redirect = Extract<RouteAction, { kind: 'redirect' }>
const REDIRECTS: readonly (readonly [why: string, action: Partial<Redirect>, from: string, expected: string])[] = [
  ['nothing but the status', {}, 'http://orders/a?b=c', 'http://orders/a?b=c'],
  ['the port that was asked for is kept', {}, 'http://orders:8080/a', 'http://orders:8080/a'],
  ["the scheme's own port is left out", {}, 'http://orders:80/a', 'http://orders/a'],
  ['another host, on the same port', { host: 'example.org' }, 'http://orders:8080/a', 'http://example.org:8080/a'],
  ['another host, on the usual port', { host: 'example.org' }, 'http://orders/a', 'http://example.org/a'],
  ['another scheme, whose own port it is then', { scheme: 'https' }, 'http://orders:8080/a', 'https://orders/a'],
  ['the same scheme by name, whose own port it is then', { scheme: 'http' }, 'http://orders:8080/a', 'http://orders/a'],
  ['another port', { port: 8083 }, 'http://orders/a', 'http://orders:8083/a'],
  ['port 80 with http', { port: 80 }, 'http://orders:8080/a', 'http://orders/a'],
  ['port 443 with https', { scheme: 'https', port: 443 }, 'http://orders/a', 'https://orders/a'],
  ['port 443 with http', { scheme: 'http', port: 443 }, 'http://orders/a', 'http://orders:443/a'],
  ['port 80 with https', { scheme: 'https', port: 80 }, 'http://orders/a', 'https://orders:80/a'],
  ['port 8443 with https and a host', { scheme: 'https', port: 8443, host: 'x' }, 'http://orders/a', 'https://x:8443/a'],
  ['a new prefix', { path: { kind: 'prefix', value: '/v2' } }, 'http://orders/a/lemon?q', 'http://orders/v2/lemon?q'],
  ['a new path', { path: { kind: 'full', value: '/all' } }, 'http://orders/a/lemon?q', 'http://orders/all?q'],
  ['an IPv6 literal', {}, 'http://[::1]:8080/a', 'http://[::1]:8080/a'],
  ['an IPv6 literal without a port', { scheme: 'https' }, 'http://[::1]/a', 'https://[::1]/a'],
  ['a path that looks like a host stays a path', {}, 'http://orders//evil.example/', 'http://orders//evil.example/'],
]

for (const [why, parts, from, expected] of REDIRECTS) {
  t.test(`redirect: ${why}`, async t => {
    const [, authority = '', path = ''] = /^http:\/\/([^/]*)(.*)$/.exec(from) ?? []
    const action: Redirect = { kind: 'redirect', status: 302, scheme: null, host: null, port: null, path: null, ...parts }
    t.equal(redirectLocation(action, head('GET', path, [], authority), '/a'), expected)
  })
}
