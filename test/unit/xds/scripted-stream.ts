import { create } from '@bufbuild/protobuf'
import type { Any } from '@bufbuild/protobuf/wkt'
import {
  type DeltaDiscoveryRequest,
  type DeltaDiscoveryResponse,
  DeltaDiscoveryResponseSchema,
} from '../../../protos/gen/envoy/service/discovery/v3/discovery_pb.ts'
import type { LastGood } from '../../../proxy/config/last-good.ts'
import type { Snapshot } from '../../../proxy/config/snapshot.ts'
import { silentLog } from '../../../proxy/telemetry/log.ts'
import { ConfigurationSource } from '../../../proxy/xds/client.ts'
import { TYPES, type TypeName } from '../../../proxy/xds/resource.ts'
import type { StreamEvents } from '../../../proxy/xds/stream.ts'
import { HandClock } from '../../support/hand-clock.ts'
import { cluster, endpoints, inbound, outbound, routes, routeTo, virtualHost } from '../../support/xds-resources.ts'

export const BOOTSTRAP = {
  nodeId: 'default/web/1',
  service: 'web',
  namespace: 'default',
  labels: { version: 'v1' },
  build: '0.1.0',
  trustDomain: 'cluster.local',
  control: { host: '127.0.0.1', port: 1 },
  app: { host: '127.0.0.1', port: 8080 },
  protocol: 'http' as const,
  advertise: null,
}

type Say = { readonly [name: string]: Any | null }

/** A sidecar's configuration source whose control plane the test plays by hand. */
export class Played {
  readonly clock = new HandClock()
  readonly snapshots: Snapshot[] = []
  sent: DeltaDiscoveryRequest[] = []
  streams: StreamEvents<DeltaDiscoveryResponse>[] = []
  closed = 0
  /** What `onSnapshot` throws; null: nothing. */
  failure: Error | null = null
  version = 'store/1/0'
  identifier = 'outrider store'
  readonly source: ConfigurationSource
  #nonce = 0

  constructor(lastGood: LastGood | null = null) {
    this.source = new ConfigurationSource({
      bootstrap: BOOTSTRAP,
      timers: this.clock.wheel,
      random: { uint32: () => 0x80000000 },
      log: silentLog,
      lastGood,
      onSnapshot: snapshot => {
        if (this.failure !== null) throw this.failure
        this.snapshots.push(snapshot)
      },
      open: events => {
        this.streams.push(events)
        return { send: request => this.sent.push(request), end: () => {}, close: () => this.closed++ }
      },
    })
  }

  async start(): Promise<this> {
    await this.source.start()
    this.streams.at(-1)?.opened()
    return this
  }

  /** Sends a response; a resource that is null is removed. Its version is told by its octets. The nonce. */
  say(type: TypeName, resources: Say): string {
    const nonce = `${++this.#nonce}`
    const there = Object.entries(resources).filter((entry): entry is [string, Any] => entry[1] !== null)
    const response = create(DeltaDiscoveryResponseSchema, {
      typeUrl: TYPES[type],
      nonce,
      systemVersionInfo: this.version,
      controlPlane: { identifier: this.identifier },
      resources: there.map(([name, resource]) => ({ name, version: Buffer.from(resource.value).toString('hex').slice(0, 400), resource })),
      removedResources: Object.keys(resources).filter(name => resources[name] === null),
    })
    this.streams.at(-1)?.received(response)
    return nonce
  }

  /** What was answered to a response: `ack`, the text of a NACK, or null while there is no answer. */
  answer(nonce: string): string | null {
    const request = this.sent.find(each => each.responseNonce === nonce)
    if (request === undefined) return null
    return request.errorDetail === undefined ? 'ack' : request.errorDetail.message
  }

  /** Requests of a type that are no answers, since the last look. */
  asked(type: TypeName): DeltaDiscoveryRequest[] {
    return this.sent.filter(each => each.typeUrl === TYPES[type] && each.responseNonce === '')
  }

  /** A whole configuration: one service, `orders`, with one endpoint. */
  sayAll(): void {
    this.say('cluster', { a: cluster('a') })
    this.say('endpoint', { a: endpoints('a', ['10.0.0.1:80']) })
    this.say('listener', { outbound: outbound(), inbound: inbound() })
    this.say('routes', { outbound: routes() })
    this.say('virtualHost', { 'outbound/orders': virtualHost('orders', ['orders'], [routeTo('a')]) })
  }
}
