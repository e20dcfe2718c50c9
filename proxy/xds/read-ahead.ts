import type { DeltaDiscoveryResponse, Resource } from '../../protos/gen/envoy/service/discovery/v3/discovery_pb.ts'
import type { VirtualHost } from '../route/route.ts'
import type { Decoded, TypeName } from './resource.ts'
import { VirtualHostReading } from './virtual-host.ts'

/** Octets from which a resource is read ahead: some fifty routes, a millisecond of work. */
const LARGE_BYTES = 16_384
/** Routes that are read in one turn of the event loop: about a millisecond, less once the code is warm. */
export const ROUTES_A_TURN = 32

/** A response on its way, with the lines of its NACK so far. */
export interface Incoming {
  readonly type: TypeName
  readonly response: DeltaDiscoveryResponse
  readonly lines: string[]
  readonly ahead: ReadAhead
}

/** Reads the large resources of one response a piece at a time, before the response is taken: one service with a thousand routes must not make requests wait. */
export class ReadAhead {
  readonly #readings = new Map<Resource, VirtualHostReading>()

  constructor(type: TypeName, { resources }: DeltaDiscoveryResponse) {
    if (type !== 'virtualHost') return
    for (const resource of resources)
      if ((resource.resource?.value.length ?? 0) > LARGE_BYTES) this.#readings.set(resource, new VirtualHostReading(resource.resource))
  }

  /** Reads one piece. False: there was none left. */
  prepare(): boolean {
    for (const reading of this.#readings.values()) {
      if (reading.isDone) continue
      reading.read(ROUTES_A_TURN)
      return true
    }
    return false
  }

  /** What a resource says; null: it was not read ahead. */
  of(resource: Resource): Decoded<VirtualHost> | null {
    return this.#readings.get(resource)?.result() ?? null
  }
}
