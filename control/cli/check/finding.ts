/** How a check came out. `skipped`: there was nothing to look at, and the message says why. */
export type State = 'ok' | 'warning' | 'fault' | 'skipped'

/** What one check found. */
export interface Finding {
  /** Of the check, as docs/check.md has it. */
  readonly name: string
  readonly state: State
  /** One sentence, without a full stop. */
  readonly message: string
  /** What to do; null where there is nothing to be done. */
  readonly fix: string | null
}

/** Makes the findings of one check. */
export class Findings {
  readonly #name: string

  /** @param name of the check. */
  constructor(name: string) {
    this.#name = name
  }

  ok(message: string): Finding {
    return { name: this.#name, state: 'ok', message, fix: null }
  }

  skipped(message: string): Finding {
    return { name: this.#name, state: 'skipped', message, fix: null }
  }

  warning(message: string, fix: string): Finding {
    return { name: this.#name, state: 'warning', message, fix }
  }

  fault(message: string, fix: string): Finding {
    return { name: this.#name, state: 'fault', message, fix }
  }
}

/** The worst state of all; `ok` where every check was skipped. */
export function worst(findings: readonly Finding[]): Exclude<State, 'skipped'> {
  if (findings.some(each => each.state === 'fault')) return 'fault'
  return findings.some(each => each.state === 'warning') ? 'warning' : 'ok'
}
