import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { basename } from 'node:path'
import { type Address, formatAddress } from './values.ts'

/** The oldest Node that the hook is for. Before 18.18 `--import` is no option, and a Node that finds it in NODE_OPTIONS does not start. */
const OLDEST_NODE = 20

/** How long a Node may take to say its version, ms: a cold disk. */
export const NODE_VERSION_TIMEOUT_MS = 5_000

/** The folder of a checkout, and of the published package, whose program is one folder deeper. */
const HOOK = new URL(import.meta.url.endsWith('.ts') ? '../../hook/node.js' : '../../../hook/node.js', import.meta.url)

/** What stands for a hook in NODE_OPTIONS: of this `run`, or of one that this one was started under. */
const HOOK_OPTION = /(^|\s)--import=\S*\/hook\/node\.js\?outbound=\S*/g

/**
 * NODE_OPTIONS with the hook, after what is there. A file URL has neither spaces nor quotes, so nothing needs quoting.
 * @param outbound where the app's requests go, which the hook tells from others.
 */
export function withNodeHook(inherited: string | undefined, outbound: Address, hook: URL = HOOK): string {
  const option = `--import=${hook.href}?outbound=${encodeURIComponent(formatAddress(outbound))}`
  return `${(inherited ?? '').replace(HOOK_OPTION, '').trim()} ${option}`.trim()
}

/**
 * Why an app cannot have the hook; null: it can. A command that is not Node is asked for the Node that it would find, such as one of `npm start`;
 * what only a script knows (a version manager) is not found out.
 */
export async function reasonAgainstHook(command: string): Promise<string | null> {
  if (!existsSync(HOOK)) return 'it is not part of this installation'
  const version = await versionOf(/^node(js)?(\.exe)?$/.test(basename(command)) ? command : 'node')
  const major = Number(/^v(\d+)\./.exec(version ?? '')?.[1] ?? OLDEST_NODE)
  return major < OLDEST_NODE ? `it needs Node ${OLDEST_NODE}, and this is ${version}` : null
}

/** `v24.1.0`; null: there is no Node, or it says something else. */
function versionOf(node: string): Promise<string | null> {
  return new Promise(resolve => {
    execFile(node, ['--version'], { timeout: NODE_VERSION_TIMEOUT_MS }, (error, stdout) => resolve(error === null ? stdout.trim() : null))
  })
}
