import { isSecret, isWorthIndexing, nameId } from './names.ts'

/** How a line is written when no table has it: the bits of its first octet (RFC 7541 section 6.2). */
export const INDEXING = { INCREMENTAL: 0x40, NONE: 0x00, NEVER: 0x10 } as const

/**
 * One field line, shared by whoever has met the same one: tables of decoders and encoders, and the heads of requests. Never changes, so that the
 * same line of two requests is one object, and an encoder finds it in its table without looking at its text.
 */
export class FieldLine {
  readonly id: number
  /** In lower case, unless `isMalformed`. */
  readonly name: string
  /** Characters up to 255, one for an octet. */
  readonly value: string
  /** One of INDEXING. NEVER is kept on the whole way (RFC 7541 section 6.2.3). */
  readonly indexing: number
  /** Against RFC 9113 section 8.2.1: the message that has it is malformed. */
  readonly isMalformed: boolean
  /** Its place in the static table, name and value; 0: none. */
  readonly staticIndex: number
  /** As RFC 7541 section 4.1 counts. */
  readonly size: number

  constructor(id: number, name: string, value: string, indexing: number, isMalformed: boolean, staticIndex: number) {
    this.id = id
    this.name = name
    this.value = value
    this.indexing = indexing
    this.isMalformed = isMalformed
    this.staticIndex = staticIndex
    this.size = name.length + value.length + 32
  }
}

/** What a value may hold besides its ends: no control character but the tab (RFC 9110 section 5.5). */
const UNFIT_VALUE = /[^\t\x20-\x7e\x80-\xff]/
const UNFIT_VALUES = new RegExp(UNFIT_VALUE, 'g')
const UNFIT_ENDS = /^[\t ]|[\t ]$/
const NAME = /^:?[!#$%&'*+\-.^_`|~0-9a-z]+$/

/** Whether a name that was received is a token in lower case; pseudo-fields begin with a colon. */
export function isNameFit(name: string): boolean {
  return NAME.test(name)
}

/** Whether a value that was received may stand in a message (RFC 9113 section 8.2.1). */
export function isValueFit(value: string): boolean {
  return !UNFIT_VALUE.test(value) && !UNFIT_ENDS.test(value)
}

/** What can't stand in a value becomes a space, or `?`: no rewrite and no other codec can add a line. */
export function fitValue(value: string): string {
  return UNFIT_VALUE.test(value) ? value.replace(UNFIT_VALUES, c => (c > '\xff' ? '?' : ' ')) : value
}

/** How a line of our own is sent. */
export function indexingOf(id: number, name: string, value: string): number {
  if (isSecret(id, value)) return INDEXING.NEVER
  return isWorthIndexing(name) ? INDEXING.INCREMENTAL : INDEXING.NONE
}

/** A line that nobody shares. @param name in lower case. */
export function ownLine(name: string, value: string, indexing?: number): FieldLine {
  const id = nameId(name)
  const fit = fitValue(value)
  return new FieldLine(id, name, fit, indexing ?? indexingOf(id, name, fit), false, 0)
}
