/** More faults of one resource than these are only counted: the text of a NACK has to stay readable. */
export const MAX_FAULTS = 20

/** Something that makes a resource unusable: where in it, and what. */
export interface Fault {
  /** Field names as published, such as `endpoints[0].lb_endpoints[2].endpoint.address`. Empty: the resource itself. */
  readonly path: string
  readonly message: string
}

/** Gathers every fault of one resource, so that its writer can mend all at once. */
export class Faults {
  readonly list: Fault[] = []
  count = 0
  /** Where the operator wrote the first thing that is at fault; empty where nothing says it. */
  origin = ''

  get isEmpty(): boolean {
    return this.count === 0
  }

  add(fault: Fault, origin: string): void {
    this.count++
    if (this.origin === '') this.origin = origin
    if (this.list.length < MAX_FAULTS) this.list.push(fault)
  }
}

/** A place in a resource. Its path is put together only when there is a fault. */
export class Place {
  readonly #faults: Faults
  readonly #parent: Place | null
  readonly #key: string | number
  readonly #origin: string

  private constructor(faults: Faults, parent: Place | null, key: string | number, origin: string) {
    this.#faults = faults
    this.#parent = parent
    this.#key = key
    this.#origin = origin
  }

  /** The resource itself. */
  static root(faults: Faults, origin = ''): Place {
    return new Place(faults, null, '', origin)
  }

  /** A field, or with a number an item, of this place. */
  at(key: string | number): Place {
    return new Place(this.#faults, this, key, this.#origin)
  }

  /** The same place, told where an operator wrote it. */
  writtenAt(origin: string): Place {
    return origin === '' ? this : new Place(this.#faults, this.#parent, this.#key, origin)
  }

  fault(message: string): void {
    this.#faults.add({ path: this.path, message }, this.#origin)
  }

  get path(): string {
    if (this.#parent === null) return String(this.#key)
    const before = this.#parent.path
    if (typeof this.#key === 'number') return `${before}[${this.#key}]`
    return before === '' ? this.#key : `${before}.${this.#key}`
  }
}

/**
 * One line of a NACK: the resource's name, its origin in parentheses if it has one, and its faults:
 * `default/orders:80 (Service default/orders (orders.yaml:3)): lb_policy: RANDOM is not balanced by`.
 */
export function faultLine(name: string, faults: Faults): string {
  const origin = faults.origin === '' ? '' : ` (${faults.origin})`
  const said = faults.list.map(fault => (fault.path === '' ? fault.message : `${fault.path}: ${fault.message}`))
  const more = faults.count > faults.list.length ? `; and ${faults.count - faults.list.length} more` : ''
  return `${name}${origin}: ${said.join('; ')}${more}`
}
