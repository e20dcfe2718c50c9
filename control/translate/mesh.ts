import type { Document, MeshSpec } from '../model/document.ts'
import type { MeshView, TelemetryView } from './tables.ts'

export const DEFAULT_TRUST_DOMAIN = 'cluster.local'

/** What is seen of requests without a Mesh document: one trace in a hundred, as Istio; failures are logged, since a log of everything costs more than the requests. */
const DEFAULT_TELEMETRY: TelemetryView = {
  samplingPercent: 1,
  propagators: ['tracecontext'],
  accessLog: { mode: 'errors', format: 'json' },
}

/** The `Mesh` document with its defaults filled in. */
export function meshView(mesh: Document<MeshSpec> | null): MeshView {
  const spec = mesh?.spec ?? {}
  return {
    trustDomain: (spec.trustDomain ?? DEFAULT_TRUST_DOMAIN).toLowerCase(),
    via: spec.via !== 'off',
    upgrades: [...new Set((spec.upgrades ?? []).map(each => each.toLowerCase()))].sort(),
    isEgressAllowed: spec.egress?.unknownHosts !== 'deny',
    telemetry: {
      samplingPercent: spec.tracing?.samplingPercent ?? DEFAULT_TELEMETRY.samplingPercent,
      propagators: [...new Set(spec.tracing?.propagators ?? DEFAULT_TELEMETRY.propagators)].sort(),
      accessLog: { ...DEFAULT_TELEMETRY.accessLog, ...spec.accessLog },
    },
  }
}
