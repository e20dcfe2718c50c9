import type { Collector } from '../../proxy/telemetry/tracer.ts'
import { exporterEnvironment } from './collector.ts'
import { withNodeHook } from './node-hook.ts'
import { type Address, formatAddress } from './values.ts'

/** Hosts that never go through the sidecar: what an app calls on its own machine is not the mesh's business. */
const NO_PROXY = 'localhost,127.0.0.1,::1'

/**
 * What `outrider run` gives an app, so that its clients find the sidecar by themselves. What the caller has set stays;
 * its PORT does because `run` takes it for `--port`.
 * @param outbound where the sidecar listens for the app.
 * @param port where the app shall listen.
 * @param collector where the sidecar sends spans, and the app may; null: nowhere.
 * @param hasHook Node programs load the hook; to others the variable means nothing.
 */
export function appEnvironment(
  inherited: Readonly<Record<string, string | undefined>>,
  outbound: Address,
  port: number,
  collector: Collector | null = null,
  hasHook = false,
): Record<string, string | undefined> {
  const proxy = `http://${formatAddress(outbound)}`
  const given: Record<string, string> = {
    HTTP_PROXY: proxy,
    http_proxy: proxy,
    HTTPS_PROXY: proxy,
    https_proxy: proxy,
    grpc_proxy: proxy,
    NO_PROXY,
    no_proxy: NO_PROXY,
    // Node's own fetch and http read the variables above only when this is set (Node 22.21, 24.5 and later).
    NODE_USE_ENV_PROXY: '1',
  }
  // Both or none: the endpoint of the one with the protocol of the other would not do.
  if (collector !== null && inherited['OTEL_EXPORTER_OTLP_ENDPOINT'] === undefined) Object.assign(given, exporterEnvironment(collector))
  // PORT is where the sidecar looks for the app: an inherited one that says otherwise would leave the app unreachable.
  const own: Record<string, string> = { PORT: String(port) }
  if (hasHook) own['NODE_OPTIONS'] = withNodeHook(inherited['NODE_OPTIONS'], outbound)
  return { ...given, ...inherited, ...own }
}

/** The port that the caller has set for its app, as `PORT`; null: none, or no port. */
export function inheritedPort(inherited: Readonly<Record<string, string | undefined>>): number | null {
  const text = inherited['PORT'] ?? ''
  const port = Number(text)
  return /^\d+$/.test(text) && port >= 1 && port <= 65_535 ? port : null
}
