import { applyCommand } from './apply.ts'
import { checkCommand } from './check.ts'
import type { Command } from './command.ts'
import { controlCommand } from './control.ts'
import { deleteCommand } from './delete.ts'
import { demoCommand } from './demo.ts'
import { explainCommand } from './explain.ts'
import { getCommand } from './get.ts'
import { proxiesCommand } from './proxies.ts'
import { proxyCommand } from './proxy.ts'
import { runCommand } from './run.ts'
import { whyCommand } from './why.ts'

/** Every command, in the order in which help shows them. To add one: write its file, and name it here. */
export const COMMANDS: readonly Command[] = [
  demoCommand,
  runCommand,
  controlCommand,
  proxyCommand,
  applyCommand,
  getCommand,
  deleteCommand,
  proxiesCommand,
  explainCommand,
  checkCommand,
  whyCommand,
]
