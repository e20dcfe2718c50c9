import { stringify } from 'yaml'

/** Where a stream of text goes; `isTty` decides colour. */
export interface Sink {
  write(text: string): void
  readonly isTty: boolean
}

/** What a command prints to: answers on standard output, everything else on standard error. */
export interface Output {
  /** One line on standard output. */
  line(text: string): void
  /** One line on standard error. */
  note(text: string): void
  /** One line on standard error, with `warning: ` in front. */
  warn(text: string): void
  /** Colours `text` where standard output is a terminal and NO_COLOR is not set. */
  paint(style: Style, text: string): string
}

const STYLES = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33 } as const
export type Style = keyof typeof STYLES

/** @param environment NO_COLOR (any value that is not empty) switches colour off, as do `TERM=dumb` and anything but a terminal. */
export function createOutput(out: Sink, err: Sink, environment: Readonly<Record<string, string | undefined>>): Output {
  const hasColour = (sink: Sink) => sink.isTty && (environment['NO_COLOR'] ?? '') === '' && environment['TERM'] !== 'dumb'
  const paint = (sink: Sink, style: Style, text: string) => (hasColour(sink) ? `\x1b[${STYLES[style]}m${text}\x1b[0m` : text)
  return {
    line: text => out.write(`${text}\n`),
    note: text => err.write(`${text}\n`),
    warn: text => err.write(`${paint(err, 'yellow', 'warning:')} ${text}\n`),
    paint: (style, text) => paint(out, style, text),
  }
}

/** Rows in columns, two blanks between them; the first row is the head. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths: number[] = []
  for (const row of rows) for (const [column, cell] of row.entries()) widths[column] = Math.max(widths[column] ?? 0, cell.length)
  const lines = rows.map(row =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  )
  return lines.join('\n')
}

/** A value as `-o json` and `-o yaml` print it. */
export function structured(format: 'json' | 'yaml', value: unknown): string {
  return format === 'json' ? JSON.stringify(value, null, 2) : stringify(value).trimEnd()
}
