/** How the program ends. Scripts match on these numbers; `outrider help exit-codes` prints the table. */
export const EXIT_CODES = {
  ok: { code: 0, meaning: 'done, and in force where that was waited for' },
  failed: {
    code: 1,
    meaning: 'refused or failed: an invalid document, a NACK, something not found, a busy port, a fault that `check` found',
  },
  usage: { code: 2, meaning: 'a command, flag, variable, key or argument that is wrong' },
  unreachable: { code: 3, meaning: 'nothing answers at the address of the control plane or the sidecar' },
  timeout: { code: 4, meaning: 'stored, but not every sidecar answered within --timeout' },
} as const

export type ExitName = keyof typeof EXIT_CODES

/** An end with a message for the operator: printed to standard error without a stack. */
export class CommandError extends Error {
  readonly exit: ExitName

  /** @param message says what is wrong and what would be right; several lines are several faults. */
  constructor(exit: ExitName, message: string, options?: ErrorOptions) {
    super(message, options)
    this.exit = exit
  }

  get code(): number {
    return EXIT_CODES[this.exit].code
  }
}
