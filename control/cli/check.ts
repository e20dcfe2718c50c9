import { homedir } from 'node:os'
import { join } from 'node:path'
import type { Asked } from './check/facts.ts'
import type { Command, Context, FlagSpec } from './command.ts'
import { API_FLAG, OUTPUT_FLAG } from './common-flags.ts'
import { EXIT_CODES } from './exit-codes.ts'
import { structured } from './output.ts'
import { SIDECAR_FLAGS } from './sidecar-flags.ts'
import type { Address } from './values.ts'
import { version } from './version.ts'

/** The flags of a sidecar, so that the variables and the file that start one also check it. Those that say nothing about where to look are taken and left alone. */
const OF_SIDECAR: readonly FlagSpec[] = SIDECAR_FLAGS.filter(({ name }) => !['service', 'app', 'data-dir'].includes(name))
/** Where a sidecar listens. */
const LISTENERS = ['outbound', 'inbound', 'admin', 'health']

/** `outrider check`: what is wrong with this machine, the mesh as seen from it, and the app. */
export const checkCommand: Command = {
  name: 'check',
  summary: 'say what is wrong with this machine, the mesh and the app, each with its fix',
  usage: '[flags]',
  description:
    'Before a start: are the ports free, is there a control plane, may the data folder be written? Beside a running sidecar, which is found by --admin: is it ready, does it run what the control plane has, does the app answer, and can it be called past the sidecar? Takes the flags, variables and file of the sidecar that it checks. Changes nothing. Ends with 0 where there is no fault, with 1 where there is one; under --strict a warning counts, too.',
  examples: [
    { text: 'before the first start', command: 'outrider check' },
    { text: 'an app with its sidecar', command: 'outrider check --admin 127.0.0.1:15000 --app 127.0.0.1:8080' },
    { text: 'for a script, which ends where anything is not as it should be', command: 'outrider check --strict -o json' },
  ],
  flags: [
    { name: 'strict', type: { kind: 'boolean' }, summary: 'a warning counts as a fault' },
    OUTPUT_FLAG,
    API_FLAG,
    { name: 'service', type: { kind: 'name' }, summary: 'service whose sidecars must be there' },
    { name: 'app', type: { kind: 'address' }, summary: 'where the app listens; left out: where the sidecar looks for it' },
    { name: 'data-dir', type: { kind: 'path' }, valueName: 'DIR', summary: 'folder that must be writable; left out: ~/.outrider' },
    ...OF_SIDECAR,
  ],
  positionals: [],
  rest: null,
  run,
}

async function run({ flags, output, environment }: Context): Promise<number> {
  const { runChecks } = await import('./check/checks.ts')
  const { thisMachine } = await import('./check/this-machine.ts')
  const { reportText, reportValue } = await import('./check/report.ts')
  const { worst } = await import('./check/finding.ts')
  const findings = await runChecks(thisMachine(environment), askedOf(flags))
  const format = flags.requiredText('output')
  output.line(format === 'json' || format === 'yaml' ? structured(format, reportValue(findings)) : reportText(findings, output))
  const state = worst(findings)
  const isBad = state === 'fault' || (state === 'warning' && flags.boolean('strict'))
  return isBad ? EXIT_CODES.failed.code : EXIT_CODES.ok.code
}

function askedOf(flags: Context['flags']): Asked {
  const at = (name: string) => ({ address: flags.address(name) as Address, isGiven: flags.isGiven(name) })
  const service = flags.text('service')
  return {
    version: version(),
    api: { url: flags.requiredText('api'), isGiven: flags.isGiven('api') },
    control: at('control'),
    admin: at('admin'),
    app: flags.address('app'),
    appHealth: flags.text('app-health'),
    service: service === null ? null : `${flags.requiredText('namespace')}/${service}`,
    dataDir: flags.text('data-dir') ?? join(homedir(), '.outrider'),
    listeners: new Map(LISTENERS.map(name => [name, flags.address(name) as Address])),
  }
}
