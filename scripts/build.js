// Makes dist/, what the npm package and the container run: packages under node_modules cannot be type-stripped.
import { execFileSync } from 'node:child_process'
import { cpSync, readdirSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const typescript = dirname(createRequire(import.meta.url).resolve('typescript/package.json'))
rmSync(join(root, 'dist'), { recursive: true, force: true })
execFileSync(process.execPath, [join(typescript, 'bin/tsc'), '-p', join(root, 'tsconfig.build.json')], { stdio: 'inherit' })
// What is read at run time besides code.
for (const name of readdirSync(join(root, 'deploy/demo'))) {
  if (name.endsWith('.yaml')) cpSync(join(root, 'deploy/demo', name), join(root, 'dist/deploy/demo', name))
}
