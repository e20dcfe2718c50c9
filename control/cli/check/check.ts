import type { Facts } from './facts.ts'
import type { Finding } from './finding.ts'
import type { Machine } from './machine.ts'

/** One check: a file of this folder, listed in checks.ts, with a section of docs/check.md. */
export interface Check {
  readonly name: string
  /** At least one finding, each with the check's name. */
  run(machine: Machine, facts: Facts): Promise<readonly Finding[]> | readonly Finding[]
}
