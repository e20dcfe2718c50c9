import pino from 'pino'
import { standardError } from './standard-error.ts'

/** From the most to the least talkative. */
export type LogLevel = 'debug' | 'info' | 'warn' | 'error'

type Write = (message: string, fields?: Readonly<Record<string, unknown>>) => void

/** What happens to the sidecar, for its operator. Not the access log. Injected wherever something is said. */
export interface Log {
  readonly debug: Write
  readonly info: Write
  readonly warn: Write
  readonly error: Write
}

/** The process' log, whose level `/logging` changes while it runs. */
export interface ProcessLog extends Log {
  level: LogLevel
}

/** Where lines go: standard error, or a list in a test. */
export interface LogSink {
  /** @param line with its line end. */
  write(line: string): void
}

/**
 * JSON lines with `level`, `time` (RFC 3339), `message` and the fields given.
 *
 * @param sink null: standard error, which is written to at the end of the turn and before an exit, and never waited for.
 */
export function createLog(level: LogLevel, sink: LogSink | null = null): ProcessLog {
  const options = {
    level,
    messageKey: 'message',
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
  }
  const logger = pino(options, sink ?? { write: line => standardError().write(line, true) })
  const writer =
    (name: LogLevel): Write =>
    (message, fields) =>
      logger[name](fields ?? {}, message)
  return {
    debug: writer('debug'),
    info: writer('info'),
    warn: writer('warn'),
    error: writer('error'),
    get level() {
      return logger.level as LogLevel
    },
    set level(to) {
      logger.level = to
    },
  }
}

/** Says nothing. */
export const silentLog: Log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} }
