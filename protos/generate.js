// Generates protos/gen from the .proto files, or with --check says whether it is what they would give (exit 1 if it is not).
// Needs nothing but what `npm ci` brings.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const here = fileURLToPath(new URL('.', import.meta.url))
const tools = join(here, '..', 'node_modules', '.bin')

/** Runs buf; `root` is the folder that gets `gen/`. */
function generate(root) {
  const env = { ...process.env, PATH: `${tools}${delimiter}${process.env.PATH}` }
  const { status, error } = spawnSync(join(tools, 'buf'), ['generate', '--output', root], { cwd: here, env, stdio: 'inherit' })
  if (error !== undefined) throw error
  if (status !== 0) process.exit(status ?? 1)
}

/** Every file below `folder` with its text. */
function texts(folder) {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter(entry => entry.isFile())
  return new Map(
    files.map(file => {
      const path = join(file.parentPath, file.name)
      return [path.slice(folder.length + 1), readFileSync(path, 'utf8')]
    }),
  )
}

function check() {
  const root = mkdtempSync(join(tmpdir(), 'outrider-protos-'))
  try {
    generate(root)
    const fresh = texts(join(root, 'gen'))
    const committed = texts(join(here, 'gen'))
    const names = new Set([...fresh.keys(), ...committed.keys()])
    return [...names].filter(name => fresh.get(name) !== committed.get(name)).sort()
  } finally {
    rmSync(root, { recursive: true, force: true })
  }
}

if (process.argv.includes('--check')) {
  const drifted = check()
  for (const name of drifted) console.error(`protos/gen/${name} is not what the .proto files give: run \`npm run generate\``)
  process.exit(drifted.length === 0 ? 0 : 1)
} else {
  generate('.')
}
