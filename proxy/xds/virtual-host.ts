import { fromBinary } from '@bufbuild/protobuf'
import { BinaryReader, WireType } from '@bufbuild/protobuf/wire'
import type { Any } from '@bufbuild/protobuf/wkt'
import { RouteSchema, VirtualHostSchema } from '../../protos/gen/envoy/config/route/v3/route_components_pb.ts'
import type { RouteEntry, VirtualHost } from '../route/route.ts'
import { Faults, Place } from './faults.ts'
import { type Decoded, type Decoder, unpack } from './resource.ts'
import { hostPlace, readEntry, readHost } from './route.ts'

/** Field number of `VirtualHost.routes`. */
const ROUTES = 3

/** Reads a `VirtualHost` a few routes at a time: a service may have a thousand, and reading them all takes as long as twenty requests do. */
export class VirtualHostReading {
  readonly #faults = new Faults()
  readonly #place: Place
  /** Null: it can't be read. */
  readonly #host: VirtualHost | null
  readonly #routes: readonly Uint8Array[]
  readonly #entries: RouteEntry[] = []
  #read = 0

  constructor(any: Any | undefined) {
    const root = Place.root(this.#faults)
    const { rest, routes } = split(any)
    const message = unpack(VirtualHostSchema, rest, root)
    this.#place = message === null ? root : hostPlace(message, root)
    this.#host = message === null ? null : readHost(message, this.#place)
    this.#routes = message === null ? [] : routes
  }

  get isDone(): boolean {
    return this.#read === this.#routes.length
  }

  /** Reads up to `count` further routes. */
  read(count: number): void {
    const to = Math.min(this.#read + count, this.#routes.length)
    for (; this.#read < to; this.#read++) {
      const place = this.#place.at('routes').at(this.#read)
      try {
        this.#entries.push(readEntry(fromBinary(RouteSchema, this.#routes[this.#read] as Uint8Array), place))
      } catch (error) {
        place.fault(`cannot be decoded: ${error instanceof Error ? error.message : String(error)}`)
      }
    }
  }

  /** What it says, once all is read. */
  result(): Decoded<VirtualHost> {
    if (this.#host === null || !this.#faults.isEmpty) return { ok: false, faults: this.#faults }
    return { ok: true, value: { ...this.#host, routes: this.#entries } }
  }
}

/** Reads a `VirtualHost` at once. */
export const decodeVirtualHost: Decoder<VirtualHost> = any => {
  const reading = new VirtualHostReading(any)
  reading.read(Number.POSITIVE_INFINITY)
  return reading.result()
}

/** The octets of each route, and a message of all other fields. What can't be taken apart is left whole, for `unpack` to say why. */
function split(any: Any | undefined): { readonly rest: Any | undefined; readonly routes: readonly Uint8Array[] } {
  const routes: Uint8Array[] = []
  const others: Uint8Array[] = []
  if (any === undefined) return { rest: any, routes }
  try {
    const reader = new BinaryReader(any.value)
    while (reader.pos < reader.len) {
      const start = reader.pos
      const [field, wireType] = reader.tag()
      if (field === ROUTES && wireType === WireType.LengthDelimited) routes.push(reader.bytes())
      else {
        reader.skip(wireType, field)
        others.push(any.value.subarray(start, reader.pos))
      }
    }
  } catch {
    return { rest: any, routes: [] }
  }
  return { rest: { ...any, value: Buffer.concat(others) }, routes }
}
