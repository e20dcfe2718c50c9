import { type ChannelOptions, Client, credentials, type MethodDefinition } from '@grpc/grpc-js'
import { AggregatedDiscoveryService } from '../../protos/gen/envoy/service/discovery/v3/ads_pb.ts'
import type { DeltaDiscoveryRequest, DeltaDiscoveryResponse } from '../../protos/gen/envoy/service/discovery/v3/discovery_pb.ts'
import { grpcService } from '../../protos/grpc/service.ts'
import type { HostPort } from '../config/bootstrap.ts'
import type { Timers } from '../util/timers.ts'

/** A connection that does not stand after this is given up. */
export const CONNECT_TIMEOUT_MS = 10_000
/** Largest message that is taken: a first answer holds every virtual host. 10,000 are about 8 MB; grpc-js takes 4 MB by default. */
export const MAX_MESSAGE_BYTES = 64 * 1024 * 1024

const OPTIONS: ChannelOptions = {
  // A control plane that is stopped, or behind a cut cable, is noticed within 15 s.
  'grpc.keepalive_time_ms': 10_000,
  'grpc.keepalive_timeout_ms': 5_000,
  'grpc.keepalive_permit_without_calls': 0,
  'grpc.max_receive_message_length': MAX_MESSAGE_BYTES,
  // `http_proxy` of the environment is this sidecar itself.
  'grpc.enable_http_proxy': 0,
  // Each attempt is a connection of its own, and when is decided here: grpc-js' backoff would come on top.
  'grpc.use_local_subchannel_pool': 1,
  'grpc.enable_retries': 0,
  'grpc.service_config_disable_resolution': 1,
}

/** What happens to a stream. */
export interface StreamEvents<Response> {
  /** The connection stands. */
  opened(): void
  received(response: Response): void
  /** Once, last, unless `close` was called. @param code gRPC's; left out: there was no connection. */
  ended(reason: string, code?: number): void
}

/** An open stream in both directions. What is sent before it stands waits; keep-alive bounds for how long. */
export interface Stream<Request> {
  send(request: Request): void
  /** Ends it in good order: the server sees that nothing more comes. */
  end(): void
  /** Drops it. */
  close(): void
}

export type OpenStream<Request, Response> = (events: StreamEvents<Response>) => Stream<Request>

/** Opens streams of one gRPC method, each on a connection of its own. Plaintext: there is no identity yet. */
export function openStream<Request, Response>(
  at: HostPort,
  method: MethodDefinition<Request, Response>,
  timers: Timers,
): OpenStream<Request, Response> {
  const host = at.host.includes(':') ? `[${at.host}]` : at.host
  return events => {
    const client = new Client(`${host}:${at.port}`, credentials.createInsecure(), OPTIONS)
    const call = client.makeBidiStreamRequest(method.path, method.requestSerialize, method.responseDeserialize)
    let isOver = false
    const finish = (reason: string | null, code?: number) => {
      if (isOver) return
      isOver = true
      deadline.disarm()
      call.cancel()
      client.close()
      if (reason !== null) events.ended(reason, code)
    }
    const deadline = timers.timer(() => finish(`no connection to ${host}:${at.port} after ${CONNECT_TIMEOUT_MS} ms`))
    deadline.arm(CONNECT_TIMEOUT_MS)
    client.waitForReady(Number.POSITIVE_INFINITY, error => {
      if (isOver || error) return
      deadline.disarm()
      events.opened()
    })
    call.on('data', (response: Response) => {
      if (!isOver) events.received(response)
    })
    // Every end comes with a status; an error without a listener would be thrown.
    call.on('error', () => {})
    call.on('status', status => finish(status.code === 0 ? 'the control plane ended the stream' : status.details, status.code))
    return {
      send(request) {
        if (!isOver) call.write(request)
      },
      end: () => call.end(),
      close: () => finish(null),
    }
  }
}

/** The delta stream of aggregated discovery. */
export function openDiscovery(at: HostPort, timers: Timers): OpenStream<DeltaDiscoveryRequest, DeltaDiscoveryResponse> {
  return openStream(at, grpcService(AggregatedDiscoveryService).deltaAggregatedResources, timers)
}
