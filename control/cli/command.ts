import type { FlagValues } from './flag-values.ts'
import type { Output } from './output.ts'

/** One command of the program: a file of this folder, listed in commands.ts. Its module imports only what is light; `run` imports the rest. */
export interface Command {
  /** The word after `outrider`. */
  readonly name: string
  /** One line, without a full stop, for `outrider --help`. */
  readonly summary: string
  /** What comes after the name in the usage line, such as `-f FILE|DIR|- [flags]`. */
  readonly usage: string
  /** A paragraph for the command's own help; may be empty. */
  readonly description: string
  readonly examples: readonly Example[]
  readonly flags: readonly FlagSpec[]
  readonly positionals: readonly Positional[]
  /** Takes all after `--`, such as `COMMAND ARGS`; null: nothing may come there. */
  readonly rest: string | null
  /** @returns the exit code, see exit-codes.ts. Throws CommandError for what the operator must read. */
  run(context: Context): Promise<number>
}

export interface Example {
  readonly text: string
  readonly command: string
}

/** An argument without a flag. */
export interface Positional {
  /** As help shows it: `KIND`. */
  readonly name: string
  readonly summary: string
  readonly isRequired: boolean
}

/** What a flag takes. Each is read by values.ts. */
export type FlagKind =
  | { readonly kind: 'boolean' }
  | { readonly kind: 'text' }
  /** A name of a document or namespace: RFC 1123 label. */
  | { readonly kind: 'name' }
  /** HOST:PORT; port 0 takes a free one. */
  | { readonly kind: 'address' }
  /** http or https. */
  | { readonly kind: 'url' }
  /** The Gateway API's, such as `1m30s`. */
  | { readonly kind: 'duration' }
  | { readonly kind: 'integer'; readonly min: number; readonly max: number }
  /** Comma-separated. */
  | { readonly kind: 'list' }
  /** K=V, comma-separated. */
  | { readonly kind: 'map' }
  | { readonly kind: 'enum'; readonly values: readonly string[] }
  | { readonly kind: 'path' }

/** One flag, which is also the variable OUTRIDER_<NAME> and the key `<name>` of the file given by --config. */
export interface FlagSpec {
  /** Without hyphens in front: `data-dir`. */
  readonly name: string
  /** One letter, such as `f` for `-f`. */
  readonly short?: string
  readonly type: FlagKind
  /** How help names the value: `HOST:PORT`. Left out: by its kind. */
  readonly valueName?: string
  readonly summary: string
  /** As it would be written. Left out: none. */
  readonly default?: string
  /** May be given several times; a variable holds one a line, a file a list. */
  readonly isRepeated?: boolean
  readonly isRequired?: boolean
}

/** What a command gets to work with. */
export interface Context {
  readonly command: Command
  readonly flags: FlagValues
  readonly positionals: readonly string[]
  /** What came after `--`. */
  readonly rest: readonly string[]
  readonly output: Output
  readonly environment: Readonly<Record<string, string | undefined>>
}
