import { renameSync, rmSync, writeFileSync } from 'node:fs'
import type { Output } from './output.ts'

/**
 * Says that a command is ready: one line on standard output, `outrider <command> ready {json}`, and the same JSON in `file`, written by rename so
 * that who reads it never sees half of it.
 * @param addresses by the flags' names, such as `{ api: '127.0.0.1:15080' }`; `pid` is added.
 */
export function announceReady(
  output: Output,
  command: string,
  addresses: Readonly<Record<string, string | number | null>>,
  file: string | null,
): void {
  const json = JSON.stringify({ ...addresses, pid: process.pid })
  if (file !== null) {
    const temporary = `${file}.${process.pid}.tmp`
    writeFileSync(temporary, `${json}\n`)
    renameSync(temporary, file)
  }
  output.line(`outrider ${command} ready ${json}`)
}

/** Removes what an earlier process left: until this one is ready, the file must not say so, least of all with addresses that are no more. */
export function clearReady(file: string | null): void {
  if (file !== null) rmSync(file, { force: true })
}
