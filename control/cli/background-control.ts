import { spawn } from 'node:child_process'
import { mkdirSync, openSync } from 'node:fs'
import { connect } from 'node:net'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { CommandError } from './exit-codes.ts'
import type { Output } from './output.ts'
import type { Address } from './values.ts'

/** Where `outrider run` looks for a control plane, and starts one. */
export const LOCAL_CONTROL: Address = { host: '127.0.0.1', port: 15_012 }
/** Longest wait for the one that was started. */
const START_TIMEOUT_MS = 20_000

/** Folder of the control plane that `outrider run` starts: its data, its log and its pid. */
export function homeDirectory(): string {
  return join(homedir(), '.outrider')
}

/** The local control plane's address; starts one that outlives this process where none answers. */
export async function ensureControlPlane(output: Output): Promise<Address> {
  if (await answers(LOCAL_CONTROL)) return LOCAL_CONTROL
  const home = homeDirectory()
  mkdirSync(home, { recursive: true, mode: 0o700 })
  const log = join(home, 'control.log')
  const descriptor = openSync(log, 'a', 0o600)
  const main = fileURLToPath(import.meta.url.replace('background-control', 'main'))
  const child = spawn(process.execPath, [main, 'control', '--data-dir', home, '--pid-file', join(home, 'control.pid')], {
    detached: true,
    stdio: ['ignore', descriptor, descriptor],
    // The flags of this command are not that one's.
    env: Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('OUTRIDER_'))),
  })
  child.unref()
  output.note(
    `started a control plane (pid ${child.pid}) on ${LOCAL_CONTROL.host}:${LOCAL_CONTROL.port}; data and log in ${home}; \`outrider control --stop\` ends it`,
  )
  const until = performance.now() + START_TIMEOUT_MS
  while (!(await answers(LOCAL_CONTROL))) {
    if (performance.now() > until)
      throw new CommandError('failed', `the control plane did not answer within ${START_TIMEOUT_MS / 1_000} s; its log is ${log}`)
    await sleep(50)
  }
  return LOCAL_CONTROL
}

function answers({ host, port }: Address): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connect({ host, port })
    const done = (isOpen: boolean) => {
      socket.destroy()
      resolve(isOpen)
    }
    socket.setTimeout(1_000, () => done(false))
    socket.once('connect', () => done(true)).once('error', () => done(false))
  })
}
