import t from 'tap'
import { isServedBelow, type Page } from '../../../../control/api/base-path.ts'

const URL_BELOW = new URL('http://127.0.0.1:16686/jaeger/')

const CASES: readonly (readonly [name: string, page: Partial<Page>, isBelow: boolean])[] = [
  ['Jaeger with the base path', { text: '<head><base href="/jaeger/" data-inject-target="BASE_URL"/>' }, true],
  ['Jaeger without it, which answers every path', { text: '<head><base href="/" data-inject-target="BASE_URL"/>' }, false],
  ['Jaeger with another one', { text: '<head><base href="/traces/"/>' }, false],
  ['a base with a quote of the other kind', { text: "<BASE target=_top href='/'>" }, false],
  ['a base that is a whole URL', { text: '<base href="http://127.0.0.1:16686/jaeger/">' }, true],
  ['a base that is relative', { text: '<base href="./">' }, true],
  ['a page without a base', { text: '<html></html>' }, true],
  ['no such page', { status: 404, text: '<base href="/jaeger/">' }, false],
  ['a login', { status: 401, text: '<base href="/login/">' }, true],
  ['a failure', { status: 500 }, true],
  ['a redirect to where it is', { status: 302, location: '/search' }, false],
  ['a redirect below', { status: 307, location: '/jaeger/search' }, true],
  ['a relative redirect below', { status: 307, location: 'search' }, true],
  ['a redirect out of the path', { status: 307, location: '../jaeger2/' }, false],
  ['a redirect to a login elsewhere', { status: 302, location: 'https://login.example/' }, true],
  ['a redirect to its own host, elsewhere', { status: 301, location: 'http://127.0.0.1:16686/' }, false],
  ['a redirect to nowhere', { status: 301, location: 'http://[' }, true],
  ['a status of redirects without a place', { status: 304 }, true],
]

for (const [name, page, isBelow] of CASES) {
  t.test(`${name} ${isBelow ? 'is taken to serve' : 'does not serve'} below the path`, async t => {
    t.equal(isServedBelow(URL_BELOW, { status: 200, location: null, text: '', ...page }), isBelow)
  })
}
