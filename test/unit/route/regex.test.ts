import t from 'tap'
import { compileRegex, literalPrefix, MAX_REGEX_INSTRUCTIONS, MAX_REGEX_KEPT, MAX_REGEX_LENGTH } from '../../../proxy/route/regex.ts'
import { numbers } from './make.ts'

function tests(source: string, text: string): boolean {
  const regex = compileRegex(source)
  if (!regex.ok) throw new Error(regex.message)
  return regex.test(text)
}

function fault(source: string): string {
  const regex = compileRegex(source)
  return regex.ok ? '' : regex.message
}

t.test('the whole text must match, with anchors or without', async t => {
  t.equal(tests('/api', '/api'), true)
  t.equal(tests('/api', '/api/x'), false)
  t.equal(tests('/api', 'x/api'), false)
  t.equal(tests('^/api$', '/api'), true)
  t.equal(tests('a|ab', 'ab'), true)
  t.equal(tests('', ''), true)
  t.equal(tests('', 'a'), false)
})

t.test("RE2's syntax is understood", async t => {
  t.equal(tests('(?i)/API', '/api'), true)
  t.equal(tests('(?P<id>[[:digit:]]+)', '42'), true)
  t.equal(tests('\\Qa.b\\E', 'a.b'), true)
  t.equal(tests('\\pL+', 'é'), true)
  t.equal(tests('/v\\d{1,3}/.*', '/v12/x'), true)
})

const UNSUPPORTED: readonly (readonly [string, string, number])[] = [
  ['/a(?=b)', 'look-ahead', 3],
  ['(?!admin).*', 'look-ahead', 1],
  ['.*(?<=b)', 'look-behind', 3],
  ['.*(?<!b)', 'look-behind', 3],
  ['(a)\\1', 'back-reference', 4],
  ['[\\]x](y)\\2', 'back-reference', 9],
]

for (const [source, what, position] of UNSUPPORTED) {
  t.test(`${source} is refused: ${what} at position ${position}`, async t => {
    t.match(fault(source), new RegExp(`^the ${what} .* at position ${position} is not supported`))
  })
}

t.test('what only looks like look-around or a back-reference is text', async t => {
  t.equal(tests('[(?=]+', '(?='), true)
  t.equal(tests('\\(?=', '(='), true)
  t.equal(tests('\\Q(?=\\1\\E', '(?=\\1'), true)
  t.equal(tests('[](?=]+', '](?='), true)
  t.equal(tests('[^](?=]+', 'abc'), true)
  t.equal(tests('[[:alpha:](?=]+', 'a(?='), true)
})

t.test('a fault of syntax names the part and its position', async t => {
  t.equal(fault('/a('), 'missing closing ) "/a(" at position 1')
  t.match(fault('/a**'), 'invalid nested repetition operator "**" at position 3')
  t.match(fault('[z-a]'), 'invalid character class range "z-a" at position 2')
})

t.test('a pattern that is too long is refused', async t => {
  t.equal(
    fault('a'.repeat(MAX_REGEX_LENGTH + 1)),
    `a pattern of ${MAX_REGEX_LENGTH + 1} characters; at most ${MAX_REGEX_LENGTH} are allowed`,
  )
})

t.test('a short pattern that compiles to a large program is refused', async t => {
  t.match(fault('(ab{100}){9}(cd{100})'), `at most ${MAX_REGEX_INSTRUCTIONS} are allowed`)
  t.match(fault('((a{100}){100}){100}'), 'invalid repeat count')
})

t.test('patterns that were compiled are kept, and no more than the limit', async t => {
  const first = compileRegex('/kept')
  t.equal(compileRegex('/kept'), first)
  for (let i = 0; i < MAX_REGEX_KEPT; i++) compileRegex(`k${i}`)
  t.not(compileRegex('/kept'), first)
})

t.test('patterns whose states outgrow their limit still answer rightly', async t => {
  const random = numbers(3)
  const text = Array.from({ length: 4_000 }, () => random.pick(['a', 'b'])).join('')
  for (const tail of ['a', 'b']) t.equal(tests('(a|b)*a(a|b){12}', `${text}${tail}bbbbbbbbbbbb`), tail === 'a')
})

t.test("it agrees with V8's backtracking engine on thousands of random patterns and texts", async t => {
  const random = numbers(2)
  const atoms = ['a', 'b', '/', '.', '[ab]', '[^/]', '\\d', '\\w', 'ab', '(a|b)', '(?:a|/b)', '(?:(/a)?)', '1', '\\.', '$', '^', '\\b']
  const quantifiers = ['', '', '', '', '*', '+', '?', '{2}', '{1,3}', '*?', '+?']
  let matched = 0
  for (let round = 0; round < 4_000; round++) {
    let source = ''
    for (let i = 1 + random.below(5); i > 0; i--) {
      const atom = random.pick(atoms)
      source += ['$', '^', '\\b'].includes(atom) ? atom : atom + random.pick(quantifiers)
    }
    const regex = compileRegex(source)
    const reference = new RegExp(`^(?:${source})$`)
    for (let texts = 0; texts < 6; texts++) {
      let text = ''
      for (let i = random.below(7); i > 0; i--) text += random.pick(['a', 'b', '/', '1', '.', 'a', '/'])
      const expected = reference.test(text)
      if (expected) matched++
      if (!regex.ok || regex.test(text) !== expected || (expected && !text.startsWith(literalPrefix(source)))) {
        t.fail(`${source} on ${text}: expected ${expected}, ${JSON.stringify(regex)}`)
        return
      }
    }
  }
  t.ok(matched > 500, `${matched} matched`)
})

t.test('the literal start of a pattern is found where it is plain to see', async t => {
  t.equal(literalPrefix('/api/v[0-9]+'), '/api/v')
  t.equal(literalPrefix('^/api/.*'), '/api/')
  t.equal(literalPrefix('/ab?'), '/a')
  t.equal(literalPrefix('/ab*c'), '/a')
  t.equal(literalPrefix('/ab{0}'), '/a')
  t.equal(literalPrefix('/a|/b'), '')
  t.equal(literalPrefix('(?i)/a'), '')
  t.equal(literalPrefix('/a\\.b'), '/a')
})
