import { flagsOf } from '../../control/cli/arguments.ts'
import type { Command, FlagSpec } from '../../control/cli/command.ts'
import { COMMANDS } from '../../control/cli/commands.ts'
import { variableName } from '../../control/cli/environment.ts'
import { EXIT_CODES } from '../../control/cli/exit-codes.ts'
import { valueName } from '../../control/cli/values.ts'
import { cell, code } from './cells.ts'

function flagRow(flag: FlagSpec): string {
  const short = flag.short === undefined ? '' : `\`-${flag.short}\`, `
  const notes = [flag.isRequired === true ? 'required' : '', flag.isRepeated === true ? 'several times' : ''].filter(note => note !== '')
  const summary = notes.length === 0 ? flag.summary : `${flag.summary} (${notes.join(', ')})`
  const standard = flag.default === undefined || flag.type.kind === 'boolean' ? '' : code(flag.default)
  return `| ${short}${code(`--${flag.name} ${valueName(flag)}`.trimEnd())} | ${code(variableName(flag.name))} | ${standard} | ${cell(summary)} |`
}

function section(command: Command): string {
  const examples = command.examples.map(({ text, command: line }) => `# ${text}\n${line}`).join('\n')
  return `## outrider ${command.name}

${cell(`${command.summary[0]?.toUpperCase()}${command.summary.slice(1)}`)}. ${command.description}

\`\`\`
outrider ${`${command.name} ${command.usage}`.trimEnd()}
\`\`\`

| flag | variable | default | what |
| --- | --- | --- | --- |
${flagsOf(command).map(flagRow).join('\n')}

\`\`\`
${examples}
\`\`\`
`
}

/** The reference of commands, flags and exit codes. */
export function commandsPage(): string {
  const codes = Object.values(EXIT_CODES).map(({ code: number, meaning }) => `| ${number} | ${cell(meaning)} |`)
  return `# Commands

Made by \`npm run generate\` from what the program itself prints. In a checkout it is \`npx outrider\`.

Every flag is also a variable and, by its own name, a key of the YAML file given by \`--config\`. The flag wins over the variable, the variable over the file. An unknown flag or key is an error that names the nearest known one; an unknown
variable is a warning.

${COMMANDS.map(section).join('\n')}
## Exit codes

| code | meaning |
| --- | --- |
${codes.join('\n')}
`
}
