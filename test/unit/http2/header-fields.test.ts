import t from 'tap'
import { HeaderFields } from '../../../proxy/http2/header-fields.ts'
import { received } from './support.ts'

const fields = () => new HeaderFields(received('accept: a', 'x-own: 1', 'accept: b', 'x-other: 2'))
const all = (of: HeaderFields) => of.lines.map(line => `${line.name}: ${line.value}`)

t.test('fields are found by name, numbered or not', async t => {
  const of = fields()
  t.equal(of.get('accept'), 'a')
  t.equal(of.joined('accept'), 'a, b')
  t.equal(of.get('x-other'), '2')
  t.equal(of.get('x-none'), null)
  t.equal(of.joined('x-none'), null)
  t.ok(of.has('x-own'))
  t.notOk(of.has('vary'))
  t.equal(of.listSize, 2 * (6 + 1 + 32) + (5 + 1 + 32) + (7 + 1 + 32))
})

t.test('a changed copy leaves the first as it was, and the other way round', async t => {
  const of = fields()
  const copy = of.copy()
  copy.set('accept', 'c')
  copy.append('x-new', 'n')
  copy.delete('x-own')
  t.same(all(of), ['accept: a', 'x-own: 1', 'accept: b', 'x-other: 2'])
  t.same(all(copy), ['accept: c', 'x-other: 2', 'x-new: n'])
  const second = of.copy()
  of.delete('accept')
  t.same(all(of), ['x-own: 1', 'x-other: 2'])
  t.same(all(second), ['accept: a', 'x-own: 1', 'accept: b', 'x-other: 2'])
})

t.test('setting what is there already changes nothing, and setting what is not appends', async t => {
  const of = fields()
  const { lines } = of
  of.set('x-own', '1')
  t.equal(of.lines, lines)
  of.set('vary', 'x')
  t.equal(of.get('vary'), 'x')
  of.set('vary', 'a\r\nb: c')
  t.equal(of.get('vary'), 'a  b: c', 'and no value adds a line')
})
