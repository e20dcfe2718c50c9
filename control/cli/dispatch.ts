import { nearest } from '../model/nearest.ts'
import type { Command } from './command.ts'
import { CommandError, EXIT_CODES } from './exit-codes.ts'
import { readInvocation } from './flags.ts'
import { exitCodes, helpOf, overview } from './help.ts'
import { createOutput, type Output, type Sink } from './output.ts'
import { version } from './version.ts'

/** What the program is started with. Tests give their own. */
export interface Start {
  /** After `outrider`. */
  readonly words: readonly string[]
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly out: Sink
  readonly err: Sink
  readonly commands: readonly Command[]
}

/** Runs one command line. @returns the exit code; never rejects for what an operator can mend. */
export async function dispatch(start: Start): Promise<number> {
  const output = createOutput(start.out, start.err, start.environment)
  const [word, ...words] = start.words
  if (word === undefined || word === '--help' || word === '-h') return say(output, overview(start.commands))
  if (word === '--version' || word === '-v' || word === 'version') return say(output, `outrider ${version()}`)
  if (word === 'help') return help(start.commands, words[0], output)
  const command = start.commands.find(each => each.name === word)
  if (command === undefined) return usage(output, [unknownCommand(start.commands, word)], 'outrider --help')
  return runCommand(command, words, start, output)
}

async function runCommand(command: Command, words: readonly string[], start: Start, output: Output): Promise<number> {
  const invocation = readInvocation(command, words, start.environment, start.commands)
  if (invocation.isHelp) return say(output, helpOf(command))
  for (const warning of invocation.warnings) output.warn(warning)
  if (invocation.faults.length > 0) return usage(output, invocation.faults, `outrider ${command.name} --help`)
  const { flags, positionals, rest } = invocation
  try {
    return await command.run({ command, flags, positionals, rest, output, environment: start.environment })
  } catch (error) {
    if (!(error instanceof CommandError)) throw error
    if (error.exit === 'usage') return usage(output, error.message.split('\n'), `outrider ${command.name} --help`)
    for (const line of error.message.split('\n')) output.note(`outrider ${command.name}: ${line}`)
    return error.code
  }
}

function help(commands: readonly Command[], topic: string | undefined, output: Output): number {
  if (topic === undefined) return say(output, overview(commands))
  if (topic === 'exit-codes') return say(output, exitCodes())
  const command = commands.find(each => each.name === topic)
  return command === undefined ? usage(output, [unknownCommand(commands, topic)], 'outrider --help') : say(output, helpOf(command))
}

function say(output: Output, text: string): number {
  output.line(text)
  return EXIT_CODES.ok.code
}

function usage(output: Output, faults: readonly string[], more: string): number {
  for (const fault of faults) output.note(`outrider: ${fault}`)
  output.note(`See \`${more}\`.`)
  return EXIT_CODES.usage.code
}

function unknownCommand(commands: readonly Command[], word: string): string {
  const names = commands.map(each => each.name)
  const close = nearest(word, [...names, 'help', 'version'])
  return `unknown command "${word}"; ${close === null ? `known: ${names.join(', ')}` : `did you mean ${close}?`}`
}
