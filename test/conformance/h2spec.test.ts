import { execFile, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import t from 'tap'

const TOOL = join(import.meta.dirname, '../interop/.tools/h2spec')
const SERVER = join(import.meta.dirname, 'h2spec-server.ts')

/** What h2spec says of a server, and with which exit code. */
function run(port: string): Promise<{ readonly code: number; readonly text: string }> {
  return new Promise(resolve => {
    execFile(TOOL, ['--strict', '-h', '127.0.0.1', '-p', port, '-o', '5'], { maxBuffer: 16_777_216 }, (error, text) => {
      resolve({ code: error === null ? 0 : Number(error.code ?? 1), text })
    })
  })
}

t.test('h2spec --strict passes every case in plaintext', async t => {
  t.ok(existsSync(TOOL), 'h2spec is there: test/interop/install.sh installs it')
  const server = spawn(process.execPath, [SERVER], { stdio: ['ignore', 'pipe', 'inherit'] })
  t.teardown(() => server.kill())
  const port = await new Promise<string>(resolve => createInterface({ input: server.stdout }).once('line', resolve))
  const { code, text } = await run(port)
  const summary = /(\d+) tests, (\d+) passed, (\d+) skipped, (\d+) failed/.exec(text)
  t.ok(summary !== null, 'it came to its end')
  const [, all, passed, skipped, failed] = summary ?? []
  t.equal(failed, '0', text.slice(text.indexOf('Failures:')))
  t.equal(skipped, '0')
  t.equal(passed, all)
  t.ok(Number(all) >= 146)
  t.equal(code, 0)
})
