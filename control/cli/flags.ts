import { type Arguments, flagsOf, readArguments, type Written } from './arguments.ts'
import type { Command, FlagSpec } from './command.ts'
import { readConfigFile } from './config-file.ts'
import { readEnvironment } from './environment.ts'
import { FlagValues, type Given } from './flag-values.ts'
import { parseValue, type Value } from './values.ts'

/** A command line with its variables and file, read whole. */
export interface Invocation {
  readonly flags: FlagValues
  readonly positionals: readonly string[]
  readonly rest: readonly string[]
  readonly isHelp: boolean
  /** Every mistake, each in one sentence. The command runs only where there is none. */
  readonly faults: readonly string[]
  readonly warnings: readonly string[]
}

/**
 * Reads what a command was given: the flag wins over the variable, the variable over the file, the file over the default.
 * @param commands all commands, so that a variable or key of another one is told from a typing error.
 */
export function readInvocation(
  command: Command,
  words: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
  commands: readonly Command[],
): Invocation {
  const specs = flagsOf(command)
  const owners = ownersOf(commands)
  const typed = readArguments(command, words)
  const variables = readEnvironment(environment, specs, owners.keys())
  const faults = [...typed.faults]
  const file = fileOf(command, specs, typed, variables.written, owners)
  faults.push(...file.faults)
  const values = new Map<string, readonly Given[]>()
  for (const spec of specs) {
    const written = typed.written.get(spec.name) ?? variables.written.get(spec.name) ?? file.written.get(spec.name) ?? []
    values.set(spec.name, readValues(spec, written, faults))
    if (spec.isRequired === true && written.length === 0 && spec.default === undefined)
      faults.push(`missing flag --${spec.name}: ${spec.summary}`)
  }
  const { positionals, rest, isHelp } = typed
  return { flags: new FlagValues(values), positionals, rest, isHelp, faults, warnings: variables.warnings }
}

/** Which command has a flag of a name: the first. */
function ownersOf(commands: readonly Command[]): ReadonlyMap<string, string> {
  const owners = new Map<string, string>()
  for (const command of commands) for (const flag of flagsOf(command)) if (!owners.has(flag.name)) owners.set(flag.name, command.name)
  return owners
}

function fileOf(command: Command, specs: readonly FlagSpec[], typed: Arguments, variables: Written, owners: ReadonlyMap<string, string>) {
  const path = typed.written.get('config')?.[0] ?? variables.get('config')?.[0]
  if (path === undefined) return { written: new Map() as Written, faults: [] }
  return readConfigFile(path.text, command.name, specs, owners)
}

function readValues(
  spec: FlagSpec,
  written: readonly { readonly text: string; readonly source: string }[],
  faults: string[],
): readonly Given[] {
  const given: Given[] = []
  for (const { text, source } of written) {
    const parsed = parseValue(spec.type, text)
    if (parsed.ok) given.push({ value: parsed.value, source })
    else faults.push(badValue(spec, text, parsed.allowed, source))
  }
  if (written.length === 0 && spec.default !== undefined) given.push({ value: defaultOf(spec), source: 'default' })
  return given
}

function badValue(spec: FlagSpec, text: string, allowed: string, source: string): string {
  const place = source.startsWith('-') ? '' : ` (given by ${source})`
  return `--${spec.name}: "${text}" is not allowed; must be ${allowed}${place}`
}

function defaultOf(spec: FlagSpec): Value {
  const parsed = parseValue(spec.type, spec.default as string)
  if (!parsed.ok) throw new Error(`--${spec.name} has a default that it does not allow: ${spec.default}`)
  return parsed.value
}
