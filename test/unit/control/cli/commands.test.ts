import t from 'tap'
import { COMMANDS } from '../../../../control/cli/commands.ts'
import { dispatch } from '../../../../control/cli/dispatch.ts'
import { EXIT_CODES } from '../../../../control/cli/exit-codes.ts'
import { parseValue } from '../../../../control/cli/values.ts'

async function outrider(...words: string[]) {
  let out = ''
  let err = ''
  const code = await dispatch({
    words,
    environment: {},
    out: {
      write: text => {
        out += text
      },
      isTty: false,
    },
    err: {
      write: text => {
        err += text
      },
      isTty: false,
    },
    commands: COMMANDS,
  })
  return { code, out, err }
}

t.test('help lists every command, and every command has help with its flags and an example', async t => {
  const { out } = await outrider('--help')
  for (const command of COMMANDS) {
    t.match(out, new RegExp(`\n  ${command.name} +${command.summary}\n`), command.name)
    const help = await outrider('help', command.name)
    t.same(help, await outrider(command.name, '--help'))
    t.equal(help.code, 0)
    for (const flag of command.flags) t.match(help.out, new RegExp(`--${flag.name}\\b`), `${command.name} --${flag.name}`)
    t.match(help.out, `Examples:\n  # ${command.examples[0]?.text}\n  ${command.examples[0]?.command}\n`)
  }
})

t.test('every default is a value that its flag allows', async t => {
  for (const command of COMMANDS) {
    for (const flag of command.flags)
      if (flag.default !== undefined) t.equal(parseValue(flag.type, flag.default).ok, true, `${command.name} --${flag.name}`)
  }
})

t.test('no command has two flags of one name or letter', async t => {
  for (const command of COMMANDS) {
    const names = [...command.flags.map(flag => flag.name), 'config', 'help']
    const letters = [...command.flags.flatMap(flag => flag.short ?? []), 'h']
    t.equal(new Set(names).size, names.length, command.name)
    t.equal(new Set(letters).size, letters.length, command.name)
  }
})

t.test('an unknown command or topic is a usage error that names the nearest one', async t => {
  t.same(await outrider('aply'), {
    code: 2,
    out: '',
    err: 'outrider: unknown command "aply"; did you mean apply?\nSee `outrider --help`.\n',
  })
  t.equal((await outrider('help', 'prxies')).err, 'outrider: unknown command "prxies"; did you mean proxies?\nSee `outrider --help`.\n')
  t.match((await outrider('zzzzzzzzz')).err, /^outrider: unknown command "zzzzzzzzz"; known: demo, run, /)
})

t.test('the exit codes are in one table', async t => {
  const { out } = await outrider('help', 'exit-codes')
  for (const { code, meaning } of Object.values(EXIT_CODES)) t.match(out, `${code}     ${meaning}`)
})

/** What commands refuse beyond the form of their flags. */
const BAD: readonly (readonly [words: string[], code: number, message: string])[] = [
  [['apply'], 2, 'outrider: missing flag --file: documents in YAML or JSON; a folder: its .yaml, .yml and .json files; -: standard input'],
  [['apply', '-f', 'no/such/file'], 1, 'outrider apply: no/such/file cannot be read: there is no such file or folder'],
  [['get'], 2, 'outrider: missing argument KIND: kind of document, such as service or httproute'],
  [['get', 'servce'], 2, 'outrider: unknown kind "servce"; did you mean Service?'],
  [['get', 'service', 'x', '-A'], 2, 'outrider: --all-namespaces lists; a NAME is in one namespace: use --namespace'],
  [['delete'], 2, 'outrider: what to delete is missing: KIND NAME, or -f FILE'],
  [['delete', 'service', 'x', '-f', 'y'], 2, 'outrider: give either KIND NAME or -f, not both'],
  [['explain'], 2, 'outrider: missing argument URL: such as http://orders/api/1'],
  [
    ['explain', 'orders/api'],
    2,
    'outrider: URL: "orders/api" is not allowed; must be a URL with http or https, such as http://orders/api/1',
  ],
  [['explain', 'http://a/', '-H', 'x'], 2, 'outrider: --header: "x" is not allowed; must be NAME: VALUE'],
  [['explain', 'http://a/', '--as', 'b', '--admin', '127.0.0.1:1'], 2, 'outrider: give either --admin or --as, not both'],
  [
    ['control', '--jaeger', '127.0.0.1:16686'],
    2,
    'outrider: --jaeger: "127.0.0.1:16686" is not allowed; must be a URL with http or https, such as http://127.0.0.1:15080',
  ],
  [
    ['control', '--jaeger', 'http://127.0.0.1:16686/jaeger'],
    2,
    'outrider: --jaeger: "http://127.0.0.1:16686/jaeger" is not allowed; must be a URL without user, path and query, such as http://127.0.0.1:16686: Jaeger is asked for /jaeger/, which it serves with --query.base-path=/jaeger',
  ],
  [
    ['proxy', '--service', 'web', '--documents', 'routes.yaml', '--control', '127.0.0.1:15012'],
    2,
    'outrider: --documents (--documents) and --control (--control) exclude each other: a sidecar takes its configuration from one of both',
  ],
  [['why', 'id', '--last', '3'], 2, 'outrider: give either an ID or --last, not both'],
  [['why', 'a b'], 2, 'outrider: ID: "a b" is not allowed; must be 1 to 128 visible characters'],
  [['why', '--last', '0'], 2, 'outrider: --last: "0" is not allowed; must be a whole number from 1 to 1000'],
  [['why', 'id', '--admin', '127.0.0.1:1'], 3, 'outrider why: nothing listens at http://127.0.0.1:1; --admin says where to ask'],
  [
    ['why', '--api', 'http://127.0.0.1:1'],
    3,
    'outrider why: nothing listens at http://127.0.0.1:1; `outrider control` starts a control plane, and --api says where it is',
  ],
  [
    ['control', '--data-dir', '/nonexistent', '--xds', '0.0.0.0:0'],
    1,
    'outrider control: --xds 0.0.0.0:0 can be reached from other machines, and there are no identities yet: bind 127.0.0.1, or add --insecure',
  ],
  [
    ['proxies', '--api', 'http://127.0.0.1:1'],
    3,
    'outrider proxies: nothing listens at http://127.0.0.1:1; `outrider control` starts a control plane, and --api says where it is',
  ],
  [
    ['explain', 'http://a/', '--admin', '127.0.0.1:1'],
    3,
    'outrider explain: nothing listens at http://127.0.0.1:1; --admin says where to ask',
  ],
]

for (const [words, code, message] of BAD) {
  t.test(`outrider ${words.join(' ')} ends with ${code}`, async t => {
    const answer = await outrider(...words)
    t.equal(answer.code, code)
    t.equal(answer.err.split('\n')[0], message)
    t.equal(answer.out, '')
  })
}
