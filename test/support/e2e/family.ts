import { readdirSync, readFileSync } from 'node:fs'

/** Processes whose ancestor is `pid`, and itself, by their pids. */
export function family(pid: number): number[] {
  const parents = new Map<number, number>()
  for (const entry of readdirSync('/proc')) {
    if (!/^\d+$/.test(entry)) continue
    try {
      const stat = readFileSync(`/proc/${entry}/stat`, 'utf8')
      parents.set(Number(entry), Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]))
    } catch {
      // It has ended meanwhile.
    }
  }
  const isOf = (each: number | undefined): boolean => each !== undefined && (each === pid || isOf(parents.get(each)))
  return [...parents.keys()].filter(isOf)
}

/** Whether the process is there, and no zombie. */
export function isAlive(pid: number): boolean {
  try {
    return !/^\S+ \(.*\) Z/.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))
  } catch {
    return false
  }
}
