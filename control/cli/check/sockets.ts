import { endianness } from 'node:os'
import { isWildcard, unmapped } from '../../../proxy/net/address.ts'
import type { Address } from '../values.ts'

/** A TCP socket that listens. */
export interface Listener {
  /** IP address, v4-mapped ones as IPv4. */
  readonly address: string
  readonly port: number
  /** By which /proc/PID/fd names it. */
  readonly inode: string
}

/** State 10 of the kernel: TCP_LISTEN. */
const LISTEN = '0A'

/** Reads /proc/net/tcp or /proc/net/tcp6: the sockets that listen. Lines that are none are left out. */
export function parseListeners(text: string): Listener[] {
  const listeners: Listener[] = []
  for (const line of text.split('\n')) {
    const [, local, , state, , , , , , inode] = line.trim().split(/\s+/)
    if (local === undefined || state !== LISTEN || inode === undefined) continue
    const [address, port] = local.split(':') as [string, string]
    listeners.push({ address: unmapped(addressOf(address)), port: Number.parseInt(port, 16), inode })
  }
  return listeners
}

/** The kernel prints an address as 32-bit words of its own byte order. */
function addressOf(hex: string): string {
  const octets: number[] = []
  for (let at = 0; at < hex.length; at += 8) {
    const word = [0, 2, 4, 6].map(offset => Number.parseInt(hex.slice(at + offset, at + offset + 2), 16))
    octets.push(...(endianness() === 'LE' ? word.reverse() : word))
  }
  if (octets.length === 4) return octets.join('.')
  const groups: string[] = []
  for (let at = 0; at < octets.length; at += 2) groups.push((((octets[at] ?? 0) << 8) | (octets[at + 1] ?? 0)).toString(16))
  return new URL(`http://[${groups.join(':')}]/`).hostname.slice(1, -1)
}

/** Whether a listener keeps another one from taking an address: the same, or a wildcard on either side. */
export function isInTheWay(listener: Listener, at: Address): boolean {
  if (listener.port !== at.port) return false
  const host = at.host === 'localhost' ? '127.0.0.1' : unmapped(at.host)
  return listener.address === host || isWildcard(listener.address) || isWildcard(host)
}
