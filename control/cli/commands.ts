import type { Command } from './command.ts'

/** Every command, in the order in which help shows them. To add one: write its file, and name it here. */
export const COMMANDS: readonly Command[] = []
