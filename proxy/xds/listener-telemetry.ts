import type { JsonObject } from '@bufbuild/protobuf'
import type { HttpConnectionManager } from '../../protos/gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.ts'
import { DEFAULT_TELEMETRY, type Propagator, type TelemetryConfig } from '../telemetry/config.ts'
import type { Place } from './faults.ts'
import { isObject, text, texts } from './resource.ts'

const PROPAGATORS: ReadonlySet<string> = new Set<Propagator>(['tracecontext', 'b3', 'b3multi'])
const MODES = ['off', 'errors', 'all'] as const
const FORMATS = ['json', 'text'] as const

/**
 * Reads what a listener shows of requests. Without `tracing` nothing is sampled, as in Envoy; a word that this version does not know
 * leaves the default in force: a log's format is no reason to refuse a listener.
 * @param own settings of the listener's metadata. @param place of the HttpConnectionManager.
 */
export function readTelemetry(manager: HttpConnectionManager | null, own: JsonObject, place: Place): TelemetryConfig {
  const percent = manager?.tracing === undefined ? 0 : (manager.tracing.randomSampling?.value ?? 100)
  const isPercent = percent >= 0 && percent <= 100
  if (!isPercent) place.at('tracing').at('random_sampling').at('value').fault(`${percent} is not a percentage from 0 to 100`)
  const log = isObject(own['access_log']) ? own['access_log'] : {}
  const { accessLog } = DEFAULT_TELEMETRY
  return {
    samplingPercent: isPercent ? percent : 0,
    propagators: texts(own, 'propagators').filter((each): each is Propagator => PROPAGATORS.has(each)),
    accessLog: {
      mode: MODES.find(each => each === text(log, 'mode')) ?? accessLog.mode,
      format: FORMATS.find(each => each === text(log, 'format')) ?? accessLog.format,
    },
  }
}
