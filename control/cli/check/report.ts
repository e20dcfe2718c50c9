import type { Output, Style } from '../output.ts'
import { type Finding, type State, worst } from './finding.ts'

const STYLES: Readonly<Record<State, Style>> = { ok: 'green', warning: 'yellow', fault: 'red', skipped: 'dim' }
const STATE_WIDTH = 'warning'.length

/** For a person: a line for each finding, what to do below it, and a sum. */
export function reportText(findings: readonly Finding[], output: Output): string {
  const nameWidth = Math.max(...findings.map(({ name }) => name.length))
  const indent = ' '.repeat(STATE_WIDTH + nameWidth + 4)
  const lines: string[] = []
  for (const { name, state, message, fix } of findings) {
    lines.push(`${output.paint(STYLES[state], state.padEnd(STATE_WIDTH))}  ${name.padEnd(nameWidth)}  ${message}`)
    if (fix !== null) lines.push(`${indent}fix: ${fix}`)
  }
  return [...lines, '', sum(findings)].join('\n')
}

/** For a script: what `-o json` and `-o yaml` print. */
export function reportValue(findings: readonly Finding[]): object {
  return { state: worst(findings), items: findings }
}

function sum(findings: readonly Finding[]): string {
  const count = (state: State) => findings.filter(each => each.state === state).length
  const some = (state: 'fault' | 'warning') => `${count(state)} ${state}${count(state) === 1 ? '' : 's'}`
  return `${some('fault')}, ${some('warning')}, ${count('ok')} ok, ${count('skipped')} skipped`
}
