import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { reasonAgainstHook } from '../../../control/cli/node-hook.ts'

/** A program that says it is Node of a version. */
function says(folder: string, version: string): string {
  const file = join(folder, version, 'node')
  mkdirSync(join(folder, version))
  writeFileSync(file, `#!/bin/sh\necho ${version}\n`)
  chmodSync(file, 0o755)
  return file
}

t.test('a Node that is too old for the hook would not start with it, and goes without', async t => {
  const folder = t.testdir()
  t.equal(await reasonAgainstHook(says(folder, 'v18.12.1')), 'it needs Node 20, and this is v18.12.1')
  for (const version of ['v20.0.0', 'v26.10.0', 'v100.0.0']) t.equal(await reasonAgainstHook(says(folder, version)), null, version)
})

t.test('a command that is not Node gets it: what it starts may be Node', async t => {
  const { PATH } = process.env
  t.teardown(() => {
    process.env['PATH'] = PATH
  })
  const folder = t.testdir()
  const old = join(says(folder, 'v16.20.2'), '..')
  process.env['PATH'] = folder
  t.equal(await reasonAgainstHook('npm'), null, 'there is no Node at all')
  process.env['PATH'] = `${old}:${PATH}`
  t.equal(await reasonAgainstHook('npm'), 'it needs Node 20, and this is v16.20.2', 'the Node that it would find is asked')
  t.equal(await reasonAgainstHook(process.execPath), null)
})
