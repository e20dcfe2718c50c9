import { nearest } from '../model/nearest.ts'
import type { Command, FlagSpec } from './command.ts'
import { splitOnce } from './values.ts'

/** Values as written, by flag, and the place of each. */
export type Written = Map<string, { readonly text: string; readonly source: string }[]>

export interface Arguments {
  readonly written: Written
  readonly positionals: readonly string[]
  readonly rest: readonly string[]
  readonly isHelp: boolean
  readonly faults: readonly string[]
}

/** Flags that every command has. */
export const COMMON_FLAGS: readonly FlagSpec[] = [
  { name: 'config', type: { kind: 'path' }, valueName: 'FILE', summary: 'YAML file whose keys are flags of this command' },
]

/** All flags of a command: its own, and those that every command has. */
export function flagsOf(command: Command): readonly FlagSpec[] {
  return [...command.flags, ...COMMON_FLAGS]
}

/** Splits a command line. Reports every fault at once. `--flag value`, `--flag=value`, `-f value` and `-fvalue` are the same; `--` ends the flags. */
export function readArguments(command: Command, words: readonly string[]): Arguments {
  const reader = new Reader(command, words)
  reader.read()
  return reader
}

class Reader implements Arguments {
  readonly written: Written = new Map()
  readonly positionals: string[] = []
  rest: readonly string[] = []
  isHelp = false
  readonly faults: string[] = []
  readonly #command: Command
  readonly #flags: readonly FlagSpec[]
  readonly #words: readonly string[]
  #at = 0

  constructor(command: Command, words: readonly string[]) {
    this.#command = command
    this.#flags = flagsOf(command)
    this.#words = words
  }

  read(): void {
    while (this.#at < this.#words.length) {
      const word = this.#words[this.#at++] as string
      if (word === '--') {
        this.rest = this.#words.slice(this.#at)
        break
      }
      if (word === '--help' || word === '-h') this.isHelp = true
      else if (word.startsWith('--')) this.#long(word.slice(2))
      else if (word.startsWith('-') && word !== '-') this.#short(word)
      else this.positionals.push(word)
    }
    this.#checkPositionals()
  }

  #long(word: string): void {
    const [name, text] = splitOnce(word, '=')
    const spec = this.#flags.find(each => each.name === name)
    if (spec === undefined) {
      this.faults.push(this.#unknown(name))
      this.#skipValue()
    } else this.#take(spec, `--${name}`, text)
  }

  #short(word: string): void {
    const spec = this.#flags.find(each => each.short === word[1])
    if (spec === undefined) {
      const known = this.#flags.flatMap(each => (each.short === undefined ? [] : [`-${each.short}`]))
      this.faults.push(
        `unknown flag ${word.slice(0, 2)}; short flags of \`outrider ${this.#command.name}\`: ${[...known, '-h'].join(', ')}`,
      )
    } else this.#take(spec, `-${spec.short}`, word.length > 2 ? word.slice(2) : null)
  }

  #take(spec: FlagSpec, shown: string, attached: string | null): void {
    let text = attached
    if (text === null && spec.type.kind === 'boolean') text = 'true'
    if (text === null) {
      const next = this.#words[this.#at]
      if (next === undefined || (next.startsWith('--') && next.length > 2) || next === '--') {
        this.faults.push(`${shown} needs a value`)
        return
      }
      text = next
      this.#at++
    }
    const present = this.written.get(spec.name) ?? []
    if (present.length > 0 && spec.isRepeated !== true) this.faults.push(`${shown} is given twice: "${present[0]?.text}" and "${text}"`)
    this.written.set(spec.name, [...present, { text, source: shown }])
  }

  /** An unknown flag's value is not an argument of its own: one fault, not two. */
  #skipValue(): void {
    const next = this.#words[this.#at]
    if (next !== undefined && !next.startsWith('-') && this.positionals.length >= this.#command.positionals.length) this.#at++
  }

  #unknown(name: string): string {
    const close = nearest(
      name,
      this.#flags.map(each => each.name),
    )
    const hint = close === null ? `\`outrider ${this.#command.name} --help\` lists them` : `did you mean --${close}?`
    return `unknown flag --${name}; ${hint}`
  }

  #checkPositionals(): void {
    if (this.isHelp) return
    const specs = this.#command.positionals
    for (const extra of this.positionals.slice(specs.length)) this.faults.push(`unexpected argument "${extra}"`)
    for (const spec of specs.slice(this.positionals.length))
      if (spec.isRequired) this.faults.push(`missing argument ${spec.name}: ${spec.summary}`)
    if (this.#command.rest === null && this.rest.length > 0) this.faults.push(`nothing may come after --, but "${this.rest[0]}" does`)
  }
}
