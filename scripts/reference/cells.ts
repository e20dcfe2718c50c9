/** Text that may stand in a cell of a table. */
export function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('\n', ' ')
}

/** The same, set as code. */
export function code(text: string): string {
  return `\`${cell(text)}\``
}
