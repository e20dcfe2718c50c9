import { flagsOf } from './arguments.ts'
import type { Command, FlagSpec } from './command.ts'
import { variableName } from './environment.ts'
import { EXIT_CODES } from './exit-codes.ts'
import { table } from './output.ts'
import { valueName } from './values.ts'

/** What `outrider --help` prints. */
export function overview(commands: readonly Command[]): string {
  return [
    'Outrider is a small service mesh: a sidecar beside each app, and a control plane that tells them where requests go.',
    '',
    'Usage: outrider COMMAND [flags]',
    '',
    'Commands:',
    indent(table(commands.map(command => [command.name, command.summary]))),
    '',
    'Try it:',
    '  outrider demo                            a whole mesh on this machine, with live traffic',
    '  outrider help COMMAND                    flags and examples of a command',
    '  outrider help exit-codes                 how the program ends',
    '  outrider --version',
    '',
    'Every flag is also a variable (--data-dir is OUTRIDER_DATA_DIR) and a key of the YAML file given by --config.',
    'The flag wins over the variable, the variable over the file.',
  ].join('\n')
}

/** What `outrider COMMAND --help` prints. */
export function helpOf(command: Command): string {
  const parts = [`outrider ${command.name}: ${command.summary}`, '', `Usage: outrider ${command.name} ${command.usage}`.trimEnd()]
  if (command.description !== '') parts.push('', command.description)
  if (command.positionals.length > 0)
    parts.push('', 'Arguments:', indent(table(command.positionals.map(each => [each.name, each.summary]))))
  parts.push('', 'Flags:', indent(table([...flagsOf(command).map(flagRow), ['-h, --help', 'this text']])))
  if (command.examples.length > 0)
    parts.push('', 'Examples:', ...command.examples.flatMap(each => [`  # ${each.text}`, `  ${each.command}`]))
  const sample = command.flags[0]?.name ?? 'config'
  parts.push('', `Each flag is also a variable, such as ${variableName(sample)}, and a key of the file given by --config.`)
  return parts.join('\n')
}

/** What `outrider help exit-codes` prints. */
export function exitCodes(): string {
  return table([['code', 'meaning'], ...Object.values(EXIT_CODES).map(each => [String(each.code), each.meaning])])
}

function flagRow(flag: FlagSpec): readonly string[] {
  const short = flag.short === undefined ? '    ' : `-${flag.short}, `
  const notes: string[] = []
  if (flag.isRequired === true) notes.push('required')
  if (flag.default !== undefined && flag.type.kind !== 'boolean') notes.push(`default ${flag.default}`)
  if (flag.isRepeated === true) notes.push('several times')
  return [
    `${short}--${flag.name} ${valueName(flag)}`.trimEnd(),
    notes.length === 0 ? flag.summary : `${flag.summary} (${notes.join(', ')})`,
  ]
}

function indent(text: string): string {
  return text.replace(/^/gm, '  ')
}
