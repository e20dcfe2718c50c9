import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { isIPv4 } from 'node:net'

/** What the server says of a name: addresses with their TTL in seconds, or an RCODE (2 SERVFAIL, 3 NXDOMAIN, 5 REFUSED). */
export type Zone = Map<string, { readonly addresses: readonly string[]; readonly ttl: number } | number>

/** A small name server over UDP on a free port (RFC 1035): one question, no compression but for the name. */
export async function dnsServer(zone: Zone) {
  const socket = createSocket('udp4')
  const asked: string[] = []
  socket.on('message', (query, from) => {
    const { name, type, end } = question(query)
    asked.push(`${name} ${type === 1 ? 'A' : 'AAAA'}`)
    const entry = zone.get(name) ?? 3
    const rcode = typeof entry === 'number' ? entry : 0
    const records =
      typeof entry === 'number'
        ? []
        : entry.addresses.filter(each => isIPv4(each) === (type === 1)).map(each => record(each, type, entry.ttl))
    const header = Buffer.from(query.subarray(0, 12))
    header.writeUInt16BE(0x8180 | rcode, 2)
    header.writeUInt16BE(1, 4)
    header.writeUInt16BE(records.length, 6)
    header.writeUInt32BE(0, 8)
    socket.send(Buffer.concat([header, query.subarray(12, end), ...records]), from.port, from.address)
  })
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  return { address: `127.0.0.1:${socket.address().port}`, asked, close: () => socket.close() }
}

function question(query: Buffer): { name: string; type: number; end: number } {
  const labels: string[] = []
  let at = 12
  for (let length = query[at]!; length !== 0; length = query[at]!) {
    labels.push(query.toString('latin1', at + 1, at + 1 + length))
    at += 1 + length
  }
  return { name: labels.join('.').toLowerCase(), type: query.readUInt16BE(at + 1), end: at + 5 }
}

function record(address: string, type: number, ttl: number): Buffer {
  const octets = type === 1 ? Buffer.from(address.split('.').map(Number)) : expanded(address)
  const head = Buffer.alloc(12)
  head.writeUInt16BE(0xc00c, 0)
  head.writeUInt16BE(type, 2)
  head.writeUInt16BE(1, 4)
  head.writeUInt32BE(ttl, 6)
  head.writeUInt16BE(octets.length, 10)
  return Buffer.concat([head, octets])
}

/** Of an address with at most one `::`. */
function expanded(address: string): Buffer {
  const [front, back = ''] = address.split('::') as [string, string?]
  const left = front.split(':').filter(Boolean)
  const right = back.split(':').filter(Boolean)
  const groups = [...left, ...Array(8 - left.length - right.length).fill('0'), ...right]
  const octets = Buffer.alloc(16)
  for (const [index, group] of groups.entries()) octets.writeUInt16BE(Number.parseInt(group, 16), index * 2)
  return octets
}
