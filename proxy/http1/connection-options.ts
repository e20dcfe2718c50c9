import { latin1 } from '../util/latin1.ts'
import { canBeNominated } from './names.ts'
import { spells, TOKEN } from './tokens.ts'

/** What the Connection fields of one head say. */
export interface ConnectionOptions {
  isClose: boolean
  isKeepAlive: boolean
  hasUpgradeOption: boolean
  /** Names of fields that belong to this hop, in lower case. */
  nominated: string[] | null
}

/** Reads one Connection value (RFC 9110 section 7.6.1) into `options`. False: it is not a list of tokens. */
export function readConnectionOptions(octets: Uint8Array, start: number, end: number, options: ConnectionOptions): boolean {
  let p = start
  while (p < end) {
    p = skip(octets, p, end, 44)
    const option = p
    while (p < end && TOKEN[octets[p] as number] !== 0) p++
    if (p === option) return p === end
    readOption(octets, option, p, options)
    p = skip(octets, p, end, 32)
    if (p < end && octets[p] !== 44) return false
  }
  return true
}

/** The next octet that is neither a space, a tab, nor `also`. */
function skip(octets: Uint8Array, start: number, end: number, also: number): number {
  let p = start
  while (p < end && (octets[p] === 32 || octets[p] === 9 || octets[p] === also)) p++
  return p
}

function readOption(octets: Uint8Array, start: number, end: number, options: ConnectionOptions): void {
  if (spells(octets, start, end, 'keep-alive')) options.isKeepAlive = true
  else if (spells(octets, start, end, 'close')) options.isClose = true
  else if (spells(octets, start, end, 'upgrade')) options.hasUpgradeOption = true
  else {
    const name = latin1(octets, start, end).toLowerCase()
    if (!canBeNominated(name)) return
    if (options.nominated === null) options.nominated = [name]
    else if (!options.nominated.includes(name)) options.nominated.push(name)
  }
}

/** Whether `trailers` is a member of a TE value. */
export function acceptsTrailers(octets: Uint8Array, start: number, end: number): boolean {
  const value = latin1(octets, start, end).toLowerCase()
  return value.split(',').some(member => member.trim() === 'trailers')
}
