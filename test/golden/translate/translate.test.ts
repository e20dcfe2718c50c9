import { readFileSync } from 'node:fs'
import t from 'tap'
import { CASES, expectedFile, translate } from './cases.ts'

for (const name of CASES) {
  t.test(`${name.replaceAll('-', ' ')}`, async t => {
    t.equal(translate(name), readFileSync(expectedFile(name), 'utf8'))
    t.equal(translate(name), translate(name), 'the same twice')
  })
}

t.test('there are cases', async t => t.ok(CASES.length >= 20, `${CASES.length}`))
