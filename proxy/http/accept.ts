/** Forms in which the sidecar tells a failure. */
export type ErrorForm = 'text' | 'json' | 'problem'

/** Characters of an Accept field that are read: a browser's has 150. What stands behind is taken for not accepted. */
export const MAX_ACCEPT_CHARACTERS = 1_024

/** Media types of the forms; the later one wins where the caller likes both as much. */
export const ERROR_TYPES: Readonly<Record<ErrorForm, string>> = {
  text: 'text/plain',
  json: 'application/json',
  problem: 'application/problem+json',
}
const FORMS = Object.keys(ERROR_TYPES) as ErrorForm[]

/** How much a media type is wanted: its quality, and by how exact a range (RFC 9110 section 12.5.1). */
interface Wish {
  quality: number
  /** 0: by none, 1: any type, 2: its type, 3: itself. */
  precision: number
}

/**
 * The form that an Accept field likes best. Text unless JSON is asked for: a range that takes everything, as curl sends, is no wish.
 *
 * @param accept all lines joined; null: none.
 */
export function errorForm(accept: string | null): ErrorForm {
  if (accept === null || !/json|application\/\*/i.test(accept)) return 'text'
  const ranges = accept.slice(0, MAX_ACCEPT_CHARACTERS).toLowerCase().split(',')
  let best: ErrorForm = 'text'
  let most: Wish = { quality: 0, precision: 0 }
  for (const form of FORMS) {
    const wish = wishFor(ERROR_TYPES[form], ranges)
    const isMore = wish.quality > most.quality || (wish.quality === most.quality && wish.precision >= most.precision)
    if (wish.quality === 0 || !isMore) continue
    best = form
    most = wish
  }
  return best
}

function wishFor(type: string, ranges: readonly string[]): Wish {
  const wish: Wish = { quality: 0, precision: 0 }
  for (const range of ranges) {
    const [name = '', ...parameters] = range.split(';').map(each => each.trim())
    const precision = precisionOf(name, type)
    if (precision <= wish.precision) continue
    wish.precision = precision
    wish.quality = qualityOf(parameters)
  }
  return wish
}

function precisionOf(range: string, type: string): number {
  if (range === type) return 3
  if (range === '*/*') return 1
  return range === `${type.slice(0, type.indexOf('/'))}/*` ? 2 : 0
}

/** 0 to 1; what is no number counts as nothing. */
function qualityOf(parameters: readonly string[]): number {
  const given = parameters.find(each => each.startsWith('q='))
  if (given === undefined) return 1
  const quality = Number(given.slice(2))
  return quality >= 0 && quality <= 1 ? quality : 0
}
