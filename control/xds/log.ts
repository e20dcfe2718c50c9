/** Where this folder says what an operator should know; pino's shape, so that a logger fits as it is. */
export interface Log {
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}

/** For tests and tools. */
export const SILENT: Log = { info() {}, warn() {}, error() {} }
