import { flushStandardError } from '../../proxy/telemetry/standard-error.ts'
import { COMMANDS } from './commands.ts'
import { dispatch } from './dispatch.ts'
import type { Sink } from './output.ts'

/** Runs this process' command line and sets its exit code: what bin/outrider.js calls. */
export async function start(): Promise<void> {
  // A reader that has left (`outrider get | head`) is no failure.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1))
  const sink = (stream: NodeJS.WriteStream): Sink => ({ write: text => void stream.write(text), isTty: stream.isTTY === true })
  process.exitCode = await dispatch({
    words: process.argv.slice(2),
    environment: process.env,
    out: sink(process.stdout),
    err: sink(process.stderr),
    commands: COMMANDS,
  })
  // A reader of the log that is stuck must not keep the process.
  if (!(await flushStandardError())) process.exit()
}

if (import.meta.main) await start()
