import { applyCommand } from './apply.ts'
import type { Command } from './command.ts'
import { deleteCommand } from './delete.ts'
import { getCommand } from './get.ts'
import { proxiesCommand } from './proxies.ts'

/** Every command, in the order in which help shows them. To add one: write its file, and name it here. */
export const COMMANDS: readonly Command[] = [applyCommand, getCommand, deleteCommand, proxiesCommand]
