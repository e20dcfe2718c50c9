import type { Any } from '@bufbuild/protobuf/wkt'
import type { Resource } from '../../protos/gen/envoy/service/discovery/v3/discovery_pb.ts'
import { Faults, faultLine, Place } from './faults.ts'
import type { Decoded, Decoder } from './resource.ts'

/** Resources of one type that are held at most; more are refused, so that a control plane gone wrong cannot fill the memory. */
export const MAX_RESOURCES = 100_000

/** One resource as it is used: the last one of its name that could be decoded. */
export interface Held<T> {
  readonly version: string
  /** As it came, for the copy on disk. */
  readonly body: Any
  readonly value: T
}

/** All resources of one type. */
export class Holdings<T> {
  readonly #decode: Decoder<T>
  /** The name that a value gives itself; null where it need not be the resource's. */
  readonly #nameOf: (value: T) => string | null
  readonly #maxResources: number
  readonly held = new Map<string, Held<T>>()
  /** Those whose last version was refused: why, as the NACK says it. An older one may be held. */
  readonly refused = new Map<string, string>()
  /** Names that were asked for and do not exist. */
  readonly absent = new Set<string>()
  /** Grows whenever something above changes: the same version of a resource, said again, is no change. */
  changes = 0

  constructor(decode: Decoder<T>, nameOf: (value: T) => string | null, maxResources = MAX_RESOURCES) {
    this.#decode = decode
    this.#nameOf = nameOf
    this.#maxResources = maxResources
  }

  /**
   * Takes a resource, or refuses it and says why in the NACK's line; what was held of that name stays then.
   * @param ahead what it says, where it was read already.
   */
  take(resource: Resource, ahead: Decoded<T> | null = null): string | null {
    const { name, version, resource: body } = resource
    const faults = new Faults()
    const place = Place.root(faults)
    if (name === '') place.fault('has no name')
    if (body === undefined) place.at('resource').fault('is missing')
    if (!this.held.has(name) && this.held.size >= this.#maxResources) place.fault(`is one more than ${this.#maxResources} of its type`)
    if (body === undefined || !faults.isEmpty) return this.#refuse(name, faults)
    if (version !== '' && this.held.get(name)?.version === version) return this.#keep(name)
    const decoded = ahead ?? this.#decode(body)
    if (!decoded.ok) return this.#refuse(name, decoded.faults)
    const own = this.#nameOf(decoded.value)
    if (own !== null && own !== name) {
      place.fault(`calls itself ${own}`)
      return this.#refuse(name, faults)
    }
    this.held.set(name, { version, body, value: decoded.value })
    this.changes++
    return this.#keep(name)
  }

  #keep(name: string): null {
    if (this.refused.delete(name)) this.changes++
    this.absent.delete(name)
    return null
  }

  #refuse(name: string, faults: Faults): string {
    const line = faultLine(name, faults)
    this.changes++
    if (this.refused.size < this.#maxResources) this.refused.set(name, line)
    this.absent.delete(name)
    return line
  }

  /** A resource is gone, or was asked for and does not exist. */
  remove(name: string): void {
    this.changes++
    this.held.delete(name)
    this.refused.delete(name)
    if (this.absent.size < this.#maxResources) this.absent.add(name)
  }

  /** Forgets what is said about names that nobody asks for any more. */
  retain(names: ReadonlySet<string>): void {
    this.changes++
    for (const known of [this.held, this.refused, this.absent]) for (const name of known.keys()) if (!names.has(name)) known.delete(name)
  }

  /** Versions by name, for a new stream. */
  versions(): Record<string, string> {
    return Object.fromEntries([...this.held].map(([name, { version }]) => [name, version]))
  }
}
