import t from 'tap'
import { normalisePath } from '../../../proxy/route/normalise.ts'
import { numbers } from './make.ts'

const accepted: readonly (readonly [given: string, target: string, why: string])[] = [
  ['/', '/', 'the root'],
  ['/a', '/a', 'plain'],
  ['/a/', '/a/', 'a slash at the end is kept'],
  ['/a/b/c', '/a/b/c', 'plain segments'],
  ['/%61pi', '/api', 'unreserved letters are decoded (RFC 3986 section 6.2.2.2)'],
  ['/%7Euser', '/~user', 'tilde is unreserved'],
  ['/a%2Db%2E%5Fc', '/a-b._c', 'hyphen, dot and underscore are unreserved'],
  ['/%31%39', '/19', 'digits are unreserved'],
  ['/caf%c3%a9', '/caf%C3%A9', 'hexadecimal digits in upper case (section 6.2.2.1)'],
  ['/%3a%40', '/%3A%40', 'escapes of reserved characters stay'],
  ['/a:b@c', '/a:b@c', 'colon and at sign are path characters'],
  ["/!$&'()*+,;=", "/!$&'()*+,;=", 'sub-delimiters are path characters'],
  ['/.', '/', 'one dot at the root'],
  ['/..', '/', 'two dots stop at the root'],
  ['/../x', '/x', 'above the root is the root'],
  ['/../../../../etc/passwd', '/etc/passwd', 'far above the root is the root'],
  ['/a/.', '/a/', 'one dot at the end names the folder'],
  ['/a/..', '/', 'two dots at the end name the folder above'],
  ['/a/./b', '/a/b', 'one dot within'],
  ['/a/../b', '/b', 'two dots within'],
  ['/a/b/../../c', '/c', 'twice up'],
  ['/a/b/c/./../../g', '/a/g', 'the example of RFC 3986 section 5.2.4'],
  ['/a/%2e%2e/b', '/b', 'escaped dots are dots'],
  ['/a/%2E./b', '/b', 'half-escaped dots are dots'],
  ['/a/.%2e', '/', 'half-escaped dots at the end'],
  ['/a/...', '/a/...', 'three dots are a name'],
  ['/.well-known/x', '/.well-known/x', 'a name that starts with a dot'],
  ['/a/..b', '/a/..b', 'a name that starts with two dots'],
  ['/a./b', '/a./b', 'a name that ends with a dot'],
  ['//', '//', 'empty segments are kept'],
  ['//a//b', '//a//b', 'empty segments are kept within'],
  ['/a//../b', '/a/b', 'dots remove an empty segment, as RFC 3986 says'],
  ['/a%2fb', '/a%2Fb', 'an escaped slash stays and separates nothing'],
  ['/a%5cb', '/a%5Cb', 'an escaped backslash stays'],
  ['/a;v=1/b', '/a;v=1/b', 'path parameters stay'],
  ['/a;v=1.2', '/a;v=1.2', 'dots in a parameter are no dot segment'],
  ['/%252e%252e/x', '/%252e%252e/x', 'nothing is decoded twice'],
  ['/%0A', '/%0A', 'escaped controls but NUL stay'],
  ['/{id}', '/%7Bid%7D', 'braces have one spelling'],
  ['/a|b^c`"<>', '/a%7Cb%5Ec%60%22%3C%3E', 'what no path may hold is escaped'],
  ['/[1]', '/[1]', 'brackets are kept'],
  ['/a?b', '/a?b', 'a query'],
  ['/?', '/?', 'an empty query'],
  ['/a?x=%61&y=/../z', '/a?x=%61&y=/../z', 'the query is kept octet by octet'],
  ['/./a?%zz\\', '/a?%zz\\', 'the query is not judged'],
  ['/a/../b?c=d?e', '/b?c=d?e', 'only the first question mark counts'],
  ['*', '*', 'OPTIONS asks about the whole server'],
]

for (const [given, target, why] of accepted) {
  t.test(`${given} is ${target}: ${why}`, async t => {
    const result = normalisePath(given)
    t.match(result, { ok: true, target })
    if (!result.ok) return
    t.equal(result.query === null ? result.path : `${result.path}?${result.query}`, target)
    t.same(normalisePath(target), result, 'and normalising again changes nothing')
  })
}

const refused: readonly (readonly [given: string, why: string])[] = [
  ['', 'an empty target'],
  ['a/b', 'no slash at the start'],
  ['http://orders/', 'an absolute form, which the server has taken apart already'],
  ['/a\\b', 'a backslash: some servers take it for a slash'],
  ['/..\\a', 'a backslash after dots'],
  ['/%00', 'NUL: some servers end the path there'],
  ['/a%00.png', 'NUL within'],
  ['/%', 'an escape without digits'],
  ['/%4', 'an escape with one digit'],
  ['/%zz', 'an escape without hexadecimal digits'],
  ['/100%/b', 'a lone percent sign'],
  ['/%u0041', 'an escape that only one vendor knows'],
  ['/a#b', 'a fragment in the path'],
  ['/a?b#c', 'a fragment in the query'],
  ['/a b', 'a space'],
  ['/a\tb', 'a tab'],
  ['/a\r\nb', 'a line end'],
  ['/a?b c', 'a space in the query'],
  ['/\u007f', 'DEL'],
  ['/é', 'beyond ASCII'],
  ['/a?é', 'beyond ASCII in the query'],
  ['/a/..%2fb', 'dots before an escaped slash'],
  ['/a/%2e%2e%2fb', 'escaped dots before an escaped slash'],
  ['/a%2f..', 'dots after an escaped slash'],
  ['/a%2f../b', 'dots after an escaped slash, within'],
  ['/a%5c..%5cb', 'dots between escaped backslashes'],
  ['/..;/admin', 'dots before a parameter: servlet containers take them for a dot segment'],
  ['/a/.;x=1/b', 'a dot before a parameter'],
  ['/a/..%3b/b', 'dots before an escaped semicolon'],
]

for (const [given, why] of refused) {
  t.test(`${JSON.stringify(given)} is refused: ${why}`, async t => {
    const result = normalisePath(given)
    t.equal(result.ok, false)
    if (!result.ok) t.ok(result.reason.length > 0)
  })
}

t.test('what needs no change is the very string that came', async t => {
  const target = '/api/v1/orders/42?expand=items'
  t.match(normalisePath(target), { ok: true, path: '/api/v1/orders/42', query: 'expand=items', target })
})

t.test('a refusal says what and where', async t => {
  t.same(normalisePath('/a\\b'), { ok: false, reason: 'the character "\\" at 3 of the path' })
  t.same(normalisePath('/a\u0001'), { ok: false, reason: 'the character 0x01 at 3 of the path' })
  t.same(normalisePath('/a/%zz'), { ok: false, reason: 'an escape without two hexadecimal digits at 4 of the path' })
})

t.test('whatever comes: what is accepted stays as it is when it is normalised again, and holds no dot segment', async t => {
  const random = numbers(1)
  const parts = [
    '/',
    '/',
    '.',
    '..',
    '%2e',
    '%2E',
    '%2f',
    '%5C',
    ';',
    'a',
    'b1',
    '%61',
    '%c3%A9',
    '{',
    '\\',
    '%00',
    '%',
    '//',
    '?',
    '=',
    '~',
  ]
  let acceptedCount = 0
  for (let round = 0; round < 20_000; round++) {
    let target = '/'
    for (let i = random.below(9); i > 0; i--) target += random.pick(parts)
    const once = normalisePath(target)
    if (!once.ok) continue
    acceptedCount++
    const again = normalisePath(once.target)
    if (!again.ok || again.target !== once.target || again.path !== once.path || /\/\.\.?(\/|$)/.test(once.path)) {
      t.fail(`${target} became ${once.target}, then ${JSON.stringify(again)}`)
      return
    }
  }
  t.ok(acceptedCount > 5_000, `${acceptedCount} were accepted`)
})
