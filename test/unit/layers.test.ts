import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'

const ROOT = join(import.meta.dirname, '../..')

interface Override {
  readonly includes: readonly string[]
  readonly linter: { readonly rules: { readonly style?: { readonly noRestrictedImports?: unknown } } }
}

const { overrides } = JSON.parse(readFileSync(join(ROOT, 'biome.json'), 'utf8')) as { overrides: readonly Override[] }
const guarded = new Set(overrides.filter(each => each.linter.rules.style?.noRestrictedImports !== undefined).flatMap(each => each.includes))

const folders = (parent: string) => readdirSync(join(ROOT, parent)).filter(name => statSync(join(ROOT, parent, name)).isDirectory())

t.test('the linter says for every layer of the proxy what it may import', async t => {
  for (const folder of folders('proxy')) t.ok(guarded.has(`proxy/${folder}/**`), folder)
})

t.test('and for every folder of the control plane except the command line, which may import all', async t => {
  for (const folder of folders('control').filter(name => name !== 'cli')) t.ok(guarded.has(`control/${folder}/**`), folder)
})

/** Files of a folder with all that they import. */
function* imports(folder: string): Generator<{ readonly file: string; readonly from: string }> {
  for (const name of readdirSync(join(ROOT, folder), { recursive: true }) as string[]) {
    if (!name.endsWith('.ts')) continue
    const text = readFileSync(join(ROOT, folder, name), 'utf8')
    for (const [, from] of text.matchAll(/^(?:import|export)[^'\n]*(?:\n[^'\n]*)*? from '([^']+)'/gm))
      yield { file: `${folder}/${name}`, from: from as string }
  }
}

t.test('the proxy never imports the control plane', async t => {
  for (const { file, from } of imports('proxy')) t.notMatch(from, /control\//, file)
})

t.test('nothing that requests pass through knows xDS or its protobuf files', async t => {
  for (const layer of ['util', 'net', 'http', 'http1', 'route', 'cluster', 'filter', 'config', 'admin']) {
    for (const { file, from } of imports(`proxy/${layer}`)) t.notMatch(from, /\/xds\/|protos\//, file)
  }
})

t.test('files are one idea: none has more than 300 lines, unless it says why', async t => {
  for (const folder of ['proxy', 'control', 'protos/grpc']) {
    for (const name of readdirSync(join(ROOT, folder), { recursive: true }) as string[]) {
      if (!name.endsWith('.ts')) continue
      const text = readFileSync(join(ROOT, folder, name), 'utf8')
      t.ok(text.split('\n').length <= 301 || text.includes('noExcessiveLinesPerFile:'), `${folder}/${name}`)
    }
  }
})
