/** Writes what is translated now as what is expected: `node test/golden/translate/refresh.ts [CASE...]`. Read the difference before committing it. */
import { writeFileSync } from 'node:fs'
import { CASES, expectedFile, translate } from './cases.ts'

const wanted = process.argv.slice(2)
for (const name of wanted.length > 0 ? wanted : CASES) writeFileSync(expectedFile(name), translate(name))
