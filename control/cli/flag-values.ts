import type { Address, Value } from './values.ts'

/** One value, and where it was given: `--api`, `the variable OUTRIDER_API`, `outrider.yaml:3`, or `default`. */
export interface Given {
  readonly value: Value
  readonly source: string
}

/**
 * The flags of one run, whichever way they were given. Each reader names a flag of the command: a name that it does not have, or a
 * reader of another kind than the flag's, is a defect of the command and throws.
 */
export class FlagValues {
  readonly #values: ReadonlyMap<string, readonly Given[]>

  /** @param values every flag of the command; an empty list where none was given and there is no default. */
  constructor(values: ReadonlyMap<string, readonly Given[]>) {
    this.#values = values
  }

  /** True where it was given, or has a default. */
  has(name: string): boolean {
    return this.#all(name).length > 0
  }

  /** True where the operator gave it: not by default. */
  isGiven(name: string): boolean {
    return this.#all(name).some(each => each.source !== 'default')
  }

  /** Where it was given; empty where it was not. */
  source(name: string): string {
    return this.#all(name)[0]?.source ?? ''
  }

  boolean(name: string): boolean {
    return this.#one(name) === true
  }

  /** Of the kinds text, name, url, enum and path. */
  text(name: string): string | null {
    return this.#one(name) as string | null
  }

  /** As `text`, where the flag is required or has a default. */
  requiredText(name: string): string {
    const value = this.text(name)
    if (value === null) throw new Error(`--${name} has neither a value nor a default`)
    return value
  }

  address(name: string): Address | null {
    return this.#one(name) as Address | null
  }

  durationMs(name: string): number | null {
    return this.#one(name) as number | null
  }

  integer(name: string): number | null {
    return this.#one(name) as number | null
  }

  /** Of the kind list, or of a repeated flag of text or path. Empty where none was given. */
  list(name: string): readonly string[] {
    return this.#all(name).flatMap(each => each.value as string | readonly string[])
  }

  map(name: string): Readonly<Record<string, string>> {
    return Object.assign({}, ...this.#all(name).map(each => each.value))
  }

  #one(name: string): Value | null {
    return this.#all(name)[0]?.value ?? null
  }

  #all(name: string): readonly Given[] {
    const given = this.#values.get(name)
    if (given === undefined) throw new Error(`the command has no flag --${name}`)
    return given
  }
}
