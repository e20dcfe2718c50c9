import t from 'tap'
import { type ErrorForm, errorForm, MAX_ACCEPT_CHARACTERS } from '../../../proxy/http/accept.ts'

const CASES: readonly (readonly [accept: string | null, form: ErrorForm])[] = [
  [null, 'text'],
  ['', 'text'],
  ['*/*', 'text'],
  ['text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8', 'text'],
  ['application/json', 'json'],
  ['Application/JSON', 'json'],
  ['application/json, text/plain, */*', 'json'],
  ['application/problem+json', 'problem'],
  ['application/json, application/problem+json', 'problem'],
  ['application/problem+json;q=0.5, application/json', 'json'],
  ['application/*', 'problem'],
  ['text/plain, application/json;q=0.9', 'text'],
  ['text/*;q=0.5, application/json;q=0.9', 'json'],
  ['application/json;q=0', 'text'],
  ['application/json;q=0, application/problem+json;q=0.1', 'problem'],
  ['application/json;charset=utf-8;q=0.8, text/plain;q=0.9', 'text'],
  ['application/json;q=much', 'text'],
  ['application/vnd.orders+json', 'text'],
  [',;q=,application/json', 'json'],
]

for (const [accept, form] of CASES) t.test(`Accept: ${accept} is answered in ${form}`, async t => t.equal(errorForm(accept), form))

t.test('of an Accept field without end only the beginning is read', async t => {
  t.equal(errorForm(`${'a/b,'.repeat(MAX_ACCEPT_CHARACTERS / 4)}application/json`), 'text')
  t.equal(errorForm(`application/json,${'a/b,'.repeat(MAX_ACCEPT_CHARACTERS)}`), 'json')
})
