import { lookup } from 'node:dns/promises'
import type { HostPort } from './net/address.ts'
import type { ProxyOptions, SidecarParts, Started } from './options.ts'
import { Sidecar } from './sidecar.ts'
import { createLog } from './telemetry/log.ts'
import { standardError } from './telemetry/standard-error.ts'
import type { Tracer } from './telemetry/tracer.ts'
import { TurnClock } from './util/clock.ts'
import { Counters } from './util/counters.ts'
import { tuneEngine } from './util/engine.ts'
import { startWheel } from './util/timers.ts'

/** Starts a sidecar: listeners first, so that a busy port is known before anything else has happened. */
export async function startProxy(options: ProxyOptions): Promise<Started> {
  tuneEngine()
  const app = await resolveApp(options.app)
  if (app === null) return { ok: false, message: `the app's host ${options.app.address} does not resolve`, flag: 'app' }
  const lines = standardError()
  const counters = new Counters()
  const log = createLog(options.logLevel, {
    write: line => {
      if (!lines.write(line, true)) counters.add('log_lines_dropped')
    },
  })
  const shared = { lines, log, counters, timers: startWheel(new TurnClock()) }
  return new Sidecar(options, app, { ...shared, tracer: await tracerFor(options, shared) }).start()
}

/** OpenTelemetry's SDK takes 14 MB and a quarter of a second, so it is loaded only for a sidecar that exports spans. */
async function tracerFor(options: ProxyOptions, shared: Omit<SidecarParts, 'tracer'>): Promise<Tracer | null> {
  if (options.otlp === null) return null
  const { openTracer } = await import('./telemetry/otlp-tracer.ts')
  return openTracer({ ...options, ...shared, collector: options.otlp })
}

async function resolveApp(app: HostPort): Promise<HostPort | null> {
  try {
    return { address: (await lookup(app.address)).address, port: app.port }
  } catch {
    return null
  }
}
