import net from 'node:net'
import { networkInterfaces } from 'node:os'

/** An address that can be bound or dialled. The address is an IP address or a name, never in brackets. */
export interface HostPort {
  readonly address: string
  /** 0 to 65535; 0 means any free one, for a listener. */
  readonly port: number
}

const PORT = /^[0-9]{1,5}$/

/** Reads `127.0.0.1:80`, `[::1]:80`, `orders:80`. Null when it is none of these: an IPv6 address needs its brackets, the port is not optional. */
export function parseHostPort(text: string): HostPort | null {
  const colon = text.lastIndexOf(':')
  if (colon < 1) return null
  const port = text.slice(colon + 1)
  if (!PORT.test(port) || Number(port) > 65535) return null
  const host = text.slice(0, colon)
  if (host.startsWith('[')) {
    const address = host.slice(1, -1)
    return host.endsWith(']') && net.isIPv6(address) ? { address, port: Number(port) } : null
  }
  return host.includes(':') || /[\s/@]/.test(host) ? null : { address: host, port: Number(port) }
}

/** `127.0.0.1:80`, `[::1]:80`. */
export function formatHostPort(hostPort: HostPort): string {
  return hostPort.address.includes(':') ? `[${hostPort.address}]:${hostPort.port}` : `${hostPort.address}:${hostPort.port}`
}

/** The IPv4 address in `::ffff:10.0.0.1` or `::ffff:a00:1`; any other address as it is, in lower case and without its zone. */
export function unmapped(address: string): string {
  const plain = address.toLowerCase().split('%')[0] as string
  if (!plain.includes(':')) return plain
  const canonical = net.isIPv6(plain) ? new URL(`http://[${plain}]/`).hostname.slice(1, -1) : plain
  const mapped = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(canonical)
  if (mapped === null) return canonical
  const high = Number.parseInt(mapped[1] as string, 16)
  const low = Number.parseInt(mapped[2] as string, 16)
  return `${high >> 8}.${high & 255}.${low >> 8}.${low & 255}`
}

/** 127.0.0.0/8, ::1 (v4-mapped too), and the name `localhost`. */
export function isLoopback(address: string): boolean {
  const plain = unmapped(address)
  return plain === 'localhost' || plain === '::1' || (net.isIPv4(plain) && plain.startsWith('127.'))
}

/** `0.0.0.0` and `::`: every address of this machine. */
export function isWildcard(address: string): boolean {
  const plain = unmapped(address)
  return plain === '0.0.0.0' || plain === '::'
}

/** Every address of this machine's interfaces, in the form of `unmapped`. Asks the operating system: tens of microseconds. */
export function localAddresses(): Set<string> {
  const addresses = new Set<string>()
  for (const each of Object.values(networkInterfaces())) for (const { address } of each ?? []) addresses.add(unmapped(address))
  return addresses
}

/** How long the interfaces' addresses are believed, ms: a machine rarely gets a new one, and asking costs. */
const LOCAL_ADDRESSES_TTL_MS = 5_000

/**
 * This sidecar's own listeners. Dialling one of them would be a loop: a wildcard listener is reached by every address of the machine,
 * by v4-mapped forms of them, and by the wildcard itself (which connects to loopback).
 */
export class OwnListeners {
  readonly #listeners: HostPort[] = []
  readonly #now: () => number
  #local: Set<string> = new Set()
  #localUntil = Number.NEGATIVE_INFINITY

  /** @param now monotonic, ms. */
  constructor(now: () => number) {
    this.#now = now
  }

  /** A bound or an advertised address. */
  add(listener: HostPort): void {
    this.#listeners.push({ address: unmapped(listener.address), port: listener.port })
  }

  /** @param address an IP address. */
  includes(address: string, port: number): boolean {
    for (const listener of this.#listeners) {
      if (listener.port === port && this.#reaches(unmapped(address), listener.address)) return true
    }
    return false
  }

  #reaches(address: string, listener: string): boolean {
    if (address === listener) return true
    if (isWildcard(address)) return isLoopback(listener) || isWildcard(listener)
    return isWildcard(listener) && (isLoopback(address) || this.#locals().has(address))
  }

  #locals(): Set<string> {
    const now = this.#now()
    if (now >= this.#localUntil) {
      this.#local = localAddresses()
      this.#localUntil = now + LOCAL_ADDRESSES_TTL_MS
    }
    return this.#local
  }
}
