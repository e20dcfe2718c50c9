import { nearest } from '../model/nearest.ts'
import type { Written } from './arguments.ts'
import type { FlagSpec } from './command.ts'

const PREFIX = 'OUTRIDER_'

/** Variables that no flag stands for: the Node hook reads them in apps. */
const OF_THE_HOOK = ['OUTRIDER_HOOK_DEBUG']

/** `data-dir` is OUTRIDER_DATA_DIR. */
export function variableName(flag: string): string {
  return PREFIX + flag.toUpperCase().replaceAll('-', '_')
}

/**
 * Reads the variables of a command's flags.
 * @param everywhere names of the flags of all commands: a variable for another command is no mistake.
 * @returns values as written, and a warning for each variable that no command knows.
 */
export function readEnvironment(
  environment: Readonly<Record<string, string | undefined>>,
  flags: readonly FlagSpec[],
  everywhere: Iterable<string>,
): { readonly written: Written; readonly warnings: readonly string[] } {
  const written: Written = new Map()
  const warnings: string[] = []
  const known = new Set([...[...everywhere].map(variableName), ...OF_THE_HOOK])
  const byVariable = new Map(flags.map(flag => [variableName(flag.name), flag]))
  for (const variable of Object.keys(environment).sort()) {
    const text = environment[variable]
    if (!variable.startsWith(PREFIX) || text === undefined) continue
    const flag = byVariable.get(variable)
    // Kubernetes sets OUTRIDER_PORT=tcp://10.0.0.1:80 in every pod beside a Service of that name.
    if (flag !== undefined && /^(tcp|udp|sctp):\/\//.test(text))
      warnings.push(`the variable ${variable} is ignored: Kubernetes set it for a Service named outrider`)
    else if (flag !== undefined) {
      const texts = flag.isRepeated === true ? text.split('\n').filter(each => each !== '') : [text]
      written.set(
        flag.name,
        texts.map(each => ({ text: each, source: `the variable ${variable}` })),
      )
    } else if (!known.has(variable)) warnings.push(unknownVariable(variable, known))
  }
  return { written, warnings }
}

function unknownVariable(variable: string, known: Iterable<string>): string {
  const close = nearest(variable, known)
  return `unknown variable ${variable}${close === null ? '' : `; did you mean ${close}?`}`
}
