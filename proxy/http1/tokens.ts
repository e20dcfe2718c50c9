/** What an octet may be, as 256-entry tables: one load an octet instead of a row of comparisons. */

const TOKEN_CHARACTERS = "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
const HOST_CHARACTERS = "-._~%!$&'()*+;=:[]0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

function table(isMember: (octet: number) => number): Uint8Array {
  return Uint8Array.from({ length: 256 }, (_, octet) => isMember(octet))
}

/** The octet in lower case where it may stand in a token (RFC 9110 section 5.6.2), else 0. */
export const TOKEN = table(octet => {
  const character = String.fromCharCode(octet)
  return TOKEN_CHARACTERS.includes(character) ? character.toLowerCase().charCodeAt(0) : 0
})

/** 1 where the octet may stand in a field value: HTAB, SP, VCHAR, obs-text (RFC 9110 section 5.5). NUL, CR, LF and other controls may not. */
export const VALUE = table(octet => (octet === 9 || (octet >= 32 && octet !== 127) ? 1 : 0))

/** 1 where the octet may stand in a request target: visible ASCII but `#`, more than RFC 3986 allows, since clients send it and it delimits nothing. */
export const TARGET = table(octet => (octet > 32 && octet < 127 && octet !== 35 ? 1 : 0))

/** 1 where the octet may stand in Host (RFC 3986 section 3.2.2, and `:port`). No userinfo, no comma: a list would be two hosts. */
export const HOST = table(octet => (HOST_CHARACTERS.includes(String.fromCharCode(octet)) ? 1 : 0))

/** The digit's value, or 255. */
export const HEX = table(octet => {
  const digit = Number.parseInt(String.fromCharCode(octet), 16)
  return Number.isNaN(digit) ? 255 : digit
})

/** Whether `octets[start..end)` spell `name`, which is in lower case, in any case. Tokens only. */
export function spells(octets: Uint8Array, start: number, end: number, name: string): boolean {
  const length = name.length
  if (end - start !== length) return false
  for (let i = 0; i < length; i++) if (TOKEN[octets[start + i] as number] !== name.charCodeAt(i)) return false
  return true
}
