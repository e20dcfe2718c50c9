import { lookup } from 'node:dns/promises'
import type { HostPort } from './net/address.ts'
import type { ProxyOptions, Started } from './options.ts'
import { Sidecar } from './sidecar.ts'
import { tuneEngine } from './util/engine.ts'

/** Starts a sidecar: listeners first, so that a busy port is known before anything else has happened. */
export async function startProxy(options: ProxyOptions): Promise<Started> {
  tuneEngine()
  const app = await resolveApp(options.app)
  if (app === null) return { ok: false, message: `the app's host ${options.app.address} does not resolve`, flag: 'app' }
  return new Sidecar(options, app).start()
}

async function resolveApp(app: HostPort): Promise<HostPort | null> {
  try {
    return { address: (await lookup(app.address)).address, port: app.port }
  } catch {
    return null
  }
}
