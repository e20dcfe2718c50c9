import { FieldLine, fitValue, INDEXING, indexingOf } from './line.ts'
import { isSecret, nameId } from './names.ts'
import { staticLine } from './static-table.ts'

/** Lines that are remembered, of all connections together. Each has its one place, so that nobody can make looking one up dear. */
const PLACES = 4_096
/** Longer values are seldom met twice, and would make this a store of megabytes. */
const MAX_SHARED_VALUE = 256

const shared: (FieldLine | null)[] = new Array(PLACES).fill(null)

/** Hash of the line that was last not found at each place: what nobody indexes is remembered when it comes for the second time. */
const missed = new Int32Array(PLACES)

function hashOf(id: number, name: string, value: string): number {
  const length = value.length
  let hash = id * 31 + length
  if (id === 0) hash = Math.imul(hash ^ name.charCodeAt(0), 16_777_619) ^ name.charCodeAt(name.length - 1) ^ (name.length << 8)
  // Long values differ at their ends; what meets in one place all the same only takes turns.
  const head = Math.min(length, 12)
  for (let i = 0; i < head; i++) hash = Math.imul(hash ^ value.charCodeAt(i), 16_777_619)
  for (let i = Math.max(head, length - 12); i < length; i++) hash = Math.imul(hash ^ value.charCodeAt(i), 16_777_619)
  return hash ^ (hash >>> 15)
}

/**
 * The line of that name and value: the same object as the last time, where it is still remembered.
 * @param name in lower case. @param value what can't stand in one is replaced.
 */
export function lineOf(name: string, value: string): FieldLine {
  const id = nameId(name)
  const hash = hashOf(id, name, value)
  const known = shared[hash & (PLACES - 1)] as FieldLine | null
  if (known !== null && known.id === id && known.name === name && known.value === value) return known
  const fit = fitValue(value)
  return remember(hash, id, name, fit, indexingOf(id, name, fit))
}

/** A line as it was received, which may be malformed. What its sender never wants indexed, or we do not, is not shared either. */
export function receivedLine(id: number, name: string, value: string, indexing: number, isMalformed: boolean): FieldLine {
  if (isSecret(id, value)) return new FieldLine(id, name, value, INDEXING.NEVER, isMalformed, 0)
  if (indexing === INDEXING.NEVER || isMalformed) return new FieldLine(id, name, value, indexing, isMalformed, 0)
  const hash = hashOf(id, name, value)
  const known = shared[hash & (PLACES - 1)] as FieldLine | null
  if (known !== null && known.id === id && known.name === name && known.value === value && known.indexing === indexing) return known
  return remember(hash, id, name, value, indexing)
}

function remember(hash: number, id: number, name: string, value: string, indexing: number): FieldLine {
  const fixed = id === 0 || indexing === INDEXING.NEVER ? null : staticLine(id, value)
  const line = fixed ?? new FieldLine(id, name, value, indexing, false, 0)
  if (indexing === INDEXING.NEVER || value.length > MAX_SHARED_VALUE) return line
  const place = hash & (PLACES - 1)
  if (indexing === INDEXING.INCREMENTAL || missed[place] === hash) shared[place] = line
  missed[place] = hash
  return line
}
