import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import type { Command } from '../../../../control/cli/command.ts'
import { readInvocation } from '../../../../control/cli/flags.ts'
import { BAD_FLAGS, MUST_BE_ADDRESS, MUST_BE_DURATION } from '../../../support/bad-flags.ts'

const command: Command = {
  name: 'proxy',
  summary: 'a sidecar',
  usage: '',
  description: '',
  examples: [],
  flags: [
    { name: 'service', type: { kind: 'name' }, summary: 'its service', isRequired: true },
    { name: 'labels', type: { kind: 'map' }, summary: 'labels' },
    { name: 'app', type: { kind: 'address' }, default: '127.0.0.1:8080', summary: 'the app' },
    { name: 'otlp', type: { kind: 'url' }, summary: 'where spans go' },
    { name: 'drain-timeout', type: { kind: 'duration' }, default: '30s', summary: 'how long' },
    { name: 'insecure', type: { kind: 'boolean' }, summary: 'any bind' },
    { name: 'port', type: { kind: 'integer', min: 1, max: 65_535 }, summary: 'a port' },
    { name: 'output', short: 'o', type: { kind: 'enum', values: ['table', 'json'] }, default: 'table', summary: 'how' },
    { name: 'file', short: 'f', type: { kind: 'path' }, isRepeated: true, summary: 'files' },
    { name: 'hosts', type: { kind: 'list' }, summary: 'hosts' },
    { name: 'header', short: 'H', type: { kind: 'text' }, isRepeated: true, summary: 'headers' },
  ],
  positionals: [{ name: 'URL', summary: 'what to ask about', isRequired: false }],
  rest: null,
  run: async () => 0,
}

const other: Command = {
  ...command,
  name: 'control',
  flags: [{ name: 'xds', type: { kind: 'address' }, summary: 'discovery' }],
  positionals: [],
}
const COMMANDS = [command, other]

const folder = mkdtempSync(join(tmpdir(), 'outrider-flags-'))
t.teardown(() => rmSync(folder, { recursive: true }))

/** Writes a file of flags and returns its path. */
function config(text: string): string {
  const file = join(folder, 'c.yaml')
  writeFileSync(file, text)
  return file
}

function read(words: string[], environment: Record<string, string> = {}) {
  return readInvocation(command, words, environment, COMMANDS)
}

for (const [words, message] of BAD_FLAGS) {
  t.test(`${words.join(' ')}: ${message}`, async t => {
    t.match(read(words.includes('--service') ? words : ['--service=x', ...words]).faults, [message])
    t.equal(read(words.includes('--service') ? words : ['--service=x', ...words]).faults.length, 1, 'one mistake is one fault')
  })
}

t.test('every mistake is told at once', async t => {
  t.same(read(['--port', 'x', '--nope', '--app', 'y']).faults, [
    'unknown flag --nope; `outrider proxy --help` lists them',
    'missing flag --service: its service',
    `--app: "y" is not allowed; ${MUST_BE_ADDRESS}`,
    '--port: "x" is not allowed; must be a whole number from 1 to 65535',
  ])
})

t.test('a bad value names the variable that gave it', async t => {
  const { faults } = read(['--service=x'], { OUTRIDER_DRAIN_TIMEOUT: 'soon' })
  t.same(faults, [`--drain-timeout: "soon" is not allowed; ${MUST_BE_DURATION} (given by the variable OUTRIDER_DRAIN_TIMEOUT)`])
})

t.test('a bad value names the file and line that gave it', async t => {
  const file = config('service: x\n\nport: 70000\n')
  t.same(read(['--config', file]).faults, [`--port: "70000" is not allowed; must be a whole number from 1 to 65535 (given by ${file}:3)`])
})

t.test('the flag wins over the variable, the variable over the file, the file over the default', async t => {
  const file = config('service: of-file\ndrain-timeout: 1s\nport: 1\noutput: json\n')
  const { flags, faults } = read(['--config', file, '--service', 'of-flag'], { OUTRIDER_SERVICE: 'of-variable', OUTRIDER_PORT: '2' })
  t.same(faults, [])
  t.equal(flags.text('service'), 'of-flag')
  t.equal(flags.integer('port'), 2)
  t.equal(flags.source('port'), 'the variable OUTRIDER_PORT')
  t.equal(flags.durationMs('drain-timeout'), 1_000)
  t.equal(flags.source('drain-timeout'), `${file}:2`)
  t.equal(flags.text('output'), 'json')
  t.same(flags.address('app'), { host: '127.0.0.1', port: 8_080 })
  t.equal(flags.isGiven('app'), false)
})

t.test('an unknown variable is a warning with the nearest known one; one of another command is none', async t => {
  const { warnings, faults } = read(['--service=x'], { OUTRIDER_SERVIC: 'a', OUTRIDER_XDS: '127.0.0.1:1', PATH: '/bin' })
  t.same(warnings, ['unknown variable OUTRIDER_SERVIC; did you mean OUTRIDER_SERVICE?'])
  t.same(faults, [])
})

t.test('what Kubernetes sets for a Service named outrider is a warning, not a port', async t => {
  const { warnings, faults, flags } = read(['--service=x'], { OUTRIDER_PORT: 'tcp://10.0.0.1:80' })
  t.same(warnings, ['the variable OUTRIDER_PORT is ignored: Kubernetes set it for a Service named outrider'])
  t.same(faults, [])
  t.equal(flags.integer('port'), null)
})

t.test('an unknown key of the file is an error with its line and the nearest known one', async t => {
  const file = config('service: x\nlabel: { a: b }\n')
  t.same(read(['--config', file]).faults, [`${file}:2: unknown key label; did you mean labels?`])
})

t.test('a key of another command says whose it is', async t => {
  const file = config('service: x\nxds: 127.0.0.1:1\n')
  t.same(read(['--config', file]).faults, [`${file}:2: xds is a flag of \`outrider control\`, not of \`outrider proxy\``])
})

t.test('a file takes maps, lists and numbers as YAML has them', async t => {
  const file = config('service: x\nlabels: { version: v2, zone: "1" }\nfile: [a.yaml, b.yaml]\nhosts: [a, b]\nport: 80\ninsecure: true\n')
  const { flags, faults } = read(['--config', file])
  t.same(faults, [])
  t.same(flags.map('labels'), { version: 'v2', zone: '1' })
  t.same(flags.list('file'), ['a.yaml', 'b.yaml'])
  t.same(flags.list('hosts'), ['a', 'b'])
  t.equal(flags.integer('port'), 80)
  t.equal(flags.boolean('insecure'), true)
})

t.test('a file that is no map, is no YAML or is not there is an error', async t => {
  t.match(read(['--service=x', '--config', config('- a\n')]).faults[0], /c\.yaml:1: must be a map of flags/)
  t.match(read(['--service=x', '--config', config('a: [\n')]).faults[0], /c\.yaml:\d+: /)
  t.match(read(['--service=x', '--config', join(folder, 'none')]).faults[0], /^--config: .*none cannot be read: /)
})

t.test('a key twice in a file is an error', async t => {
  t.match(read(['--config', config('service: a\nservice: b\n')]).faults[0], /c\.yaml:2: /)
})

t.test('--flag=value, --flag value, -f value and -fvalue are the same', async t => {
  const { flags } = read(['--service=x', '-f', 'a', '-fb', '--file', 'c', '--file=d', '-H', 'x-user: 7'])
  t.same(flags.list('file'), ['a', 'b', 'c', 'd'])
  t.same(flags.list('header'), ['x-user: 7'])
})

t.test('an IPv6 address stands in brackets', async t => {
  t.same(read(['--service=x', '--app', '[::1]:0']).flags.address('app'), { host: '::1', port: 0 })
})

t.test('a flag that a command does not have is a defect of the command', async t => {
  t.throws(() => read(['--service=x']).flags.text('nope'), /has no flag --nope/)
})
