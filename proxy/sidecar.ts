import { join } from 'node:path'
import { dump } from './admin/config-dump.ts'
import { type AdminSource, adminRoutes, healthRoutes } from './admin/pages.ts'
import { type AdminServer, serveAdmin } from './admin/server.ts'
import { AppProbe } from './app-probe.ts'
import { bootstrapOf } from './bootstrap.ts'
import { type Bootstrap, startSnapshot } from './config/bootstrap.ts'
import { LastGood } from './config/last-good.ts'
import type { Snapshot } from './config/snapshot.ts'
import { drain, drainSentence } from './drain.ts'
import { MeshError } from './errors.ts'
import { explainRequest } from './explain.ts'
import { type Listener, openListener } from './listeners.ts'
import { metricsPage } from './metrics.ts'
import { formatHostPort, type HostPort } from './net/address.ts'
import { nodeFacts } from './node-facts.ts'
import { Observability } from './observability.ts'
import type { ProxyAddresses, ProxyOptions, RunningProxy, SidecarParts, Started } from './options.ts'
import { type Readiness, readinessOf } from './readiness.ts'
import { Stack } from './stack.ts'
import type { ProcessLog } from './telemetry/log.ts'
import { monotonicClock } from './util/clock.ts'
import type { Counters } from './util/counters.ts'
import { seededRandom } from './util/random.ts'
import { delay, type Timers } from './util/timers.ts'
import { ConfigurationSource } from './xds/client.ts'
import { RegistrationClient } from './xds/registration.ts'

/** Between looks at what outbound still has in flight, ms. */
const LOOK_MS = 20

/** One running sidecar: what `startProxy` gives out. */
export class Sidecar implements RunningProxy {
  readonly #options: ProxyOptions
  readonly #bootstrap: Bootstrap
  readonly #log: ProcessLog
  readonly #timers: Timers
  readonly #counters: Counters
  readonly #observability: Observability
  readonly #stack: Stack
  readonly #probe: AppProbe
  readonly #configuration: ConfigurationSource
  readonly #ready = Promise.withResolvers<void>()
  readonly #asked = Promise.withResolvers<'drain' | 'quit'>()
  readonly #startedAt = monotonicClock.now()
  #registration: RegistrationClient | null = null
  #outbound: Listener | null = null
  #inbound: Listener | null = null
  #servers: AdminServer[] = []
  #hasConfiguration = false
  #isDraining = false
  #leaving: Promise<void> | null = null
  #addresses: ProxyAddresses | null = null

  constructor(options: ProxyOptions, app: HostPort, { lines, log, timers, counters, tracer }: SidecarParts) {
    const { dataDir } = options
    this.#options = options
    this.#log = log
    this.#timers = timers
    this.#counters = counters
    this.#bootstrap = bootstrapOf(options, app)
    const bootstrap = this.#bootstrap
    const shared = { bootstrap, timers, random: seededRandom(), log }
    this.#probe = new AppProbe({ ...app, path: options.appHealthPath }, timers, isReady => this.#appTurned(isReady))
    this.#observability = new Observability({ ...shared, counters, tracer, lines })
    this.#stack = new Stack(
      {
        ...shared,
        counters: this.#counters,
        observers: this.#observability.observers,
        tracer,
        dnsServer: options.dnsServer,
        isAppReady: () => this.#probe.isReady,
        registered: () => this.#registered(),
      },
      startSnapshot(bootstrap),
    )
    const lastGood =
      dataDir === null
        ? null
        : new LastGood({
            path: join(dataDir, 'configuration'),
            service: `${options.namespace}/${options.service}`,
            trustDomain: bootstrap.trustDomain,
            timers: this.#timers,
            failed: error => this.#log.warn('the configuration could not be kept on disk', { error: String(error) }),
          })
    this.#configuration = new ConfigurationSource({ ...shared, lastGood, onSnapshot: snapshot => this.#putIntoForce(snapshot) })
  }

  get addresses(): ProxyAddresses {
    return this.#addresses as ProxyAddresses
  }

  get outboundReady(): Promise<void> {
    return this.#ready.promise
  }

  get asked(): Promise<'drain' | 'quit'> {
    return this.#asked.promise
  }

  async start(): Promise<Started> {
    const opened = await this.#openListeners()
    if (!opened.ok) {
      await this.#closeListeners()
      await this.#observability.close()
      return opened
    }
    this.#probe.start()
    await this.#configuration.start()
    this.#registration = new RegistrationClient({
      bootstrap: this.#bootstrap,
      inboundPort: this.addresses.inbound.port,
      timers: this.#timers,
      random: seededRandom(),
      log: this.#log,
    })
    this.#registration.setAppReady(this.#probe.isReady)
    this.#registration.start()
    this.#observability.start()
    return opened
  }

  leave(): Promise<void> {
    this.#leaving ??= this.#leave()
    return this.#leaving
  }

  async #leave(): Promise<void> {
    const report = await drain(
      {
        service: this.#options.service,
        failReadiness: () => {
          this.#isDraining = true
        },
        depart: () => this.#registration?.depart() ?? Promise.resolve({ callers: 0, callersThatKnow: 0 }),
        progress: () => this.#registration?.progress ?? { callers: 0, callersThatKnow: 0 },
        closeConnections: () => this.#inbound?.closeConnections(),
        closeInbound: async () => {
          await this.#inbound?.stop()
          this.#stack.isInboundDraining = true
        },
        inFlight: () => this.#stack.active.inbound,
        cut: () => this.#inbound?.destroy(),
      },
      this.#options.drainTimeoutMs,
      this.#timers,
    )
    this.#log.info(drainSentence(this.#options.service, report), { ...report })
  }

  async close(): Promise<void> {
    this.#isDraining = true
    this.#probe.stop()
    await this.#outbound?.stop()
    this.#outbound?.closeConnections()
    const until = this.#timers.clock.now() + this.#options.drainTimeoutMs
    while (this.#stack.active.outbound > 0 && this.#timers.clock.now() < until) await delay(this.#timers, LOOK_MS)
    await this.#registration?.stop()
    await this.#configuration.stop()
    await this.#closeListeners()
    await this.#observability.close()
    this.#stack.registry.destroy(new MeshError('DRAINING', 'the sidecar has ended'))
  }

  async #openListeners(): Promise<Started> {
    const { outbound, inbound, admin, health } = this.#options
    const common = { timers: this.#timers, counters: this.#counters, log: this.#log }
    const open = (direction: 'outbound' | 'inbound', at: HostPort) =>
      openListener(at, {
        ...common,
        direction,
        upgrades: () => this.#stack.snapshot.listeners.get(direction)?.upgrades ?? [],
        request: this.#stack.listener(direction),
        refused: refusal => this.#observability.refused(refusal),
      })
    const out = await open('outbound', outbound)
    if (!out.ok) return { ok: false, message: out.message, flag: 'outbound' }
    this.#outbound = out.listener
    const into = await open('inbound', inbound)
    if (!into.ok) return { ok: false, message: into.message, flag: 'inbound' }
    this.#inbound = into.listener
    const source = this.#adminSource()
    for (const [flag, at, routes] of [
      ['admin', admin, adminRoutes(source)],
      ['health', health, healthRoutes(source)],
    ] as const) {
      try {
        this.#servers.push(await serveAdmin(routes, at, flag === 'admin', { counters: this.#counters }))
      } catch (error) {
        return { ok: false, message: `cannot listen on ${formatHostPort(at)}: ${(error as Error).message}`, flag }
      }
    }
    const [adminServer, healthServer] = this.#servers as [AdminServer, AdminServer]
    this.#addresses = {
      outbound: out.listener.address,
      inbound: into.listener.address,
      admin: plain(adminServer),
      health: plain(healthServer),
    }
    const { advertise } = this.#options
    for (const own of [...Object.values(this.addresses), ...(advertise === null ? [] : [advertise])]) this.#stack.ownListeners.add(own)
    return { ok: true, proxy: this }
  }

  async #closeListeners(): Promise<void> {
    for (const listener of [this.#outbound, this.#inbound]) {
      await listener?.stop()
      listener?.destroy()
    }
    await Promise.all(this.#servers.map(server => server.close()))
  }

  #registered(): HostPort | null {
    const accepted = this.#registration?.accepted ?? null
    return accepted === null ? null : { address: accepted.host, port: accepted.port }
  }

  #putIntoForce(snapshot: Snapshot): void {
    this.#stack.apply(snapshot)
    this.#hasConfiguration = true
    this.#ready.resolve()
    this.#log.debug('a configuration is in force', { store: snapshot.storeId, revision: snapshot.revision })
  }

  #appTurned(isReady: boolean): void {
    this.#log.info(isReady ? 'the app is ready' : 'the app is not ready any more', { reason: this.#probe.reason })
    this.#registration?.setAppReady(isReady)
  }

  #readiness(): Readiness {
    const { app, control } = this.#options
    return readinessOf({
      hasConfiguration: this.#hasConfiguration,
      control: formatHostPort(control),
      isDraining: this.#isDraining,
      app: { isReady: this.#probe.isReady, reason: this.#probe.reason, address: formatHostPort(app) },
    })
  }

  #adminSource(): AdminSource {
    const log = this.#log
    return {
      readiness: () => this.#readiness(),
      stats: () => this.#stats(),
      metrics: metricsPage({
        requests: this.#observability.metrics,
        counters: this.#counters,
        registry: this.#stack.registry,
        build: this.#options.build,
        active: () => this.#stack.active,
        connections: () => this.#connections,
        configuration: () => this.#configuration.state(),
      }),
      clusters: () => this.#stack.registry.inspect(),
      configDump: () => dump(this.#stack.snapshot, this.#configuration.state()),
      explain: request => explainRequest(this.#stack, request),
      failures: query => this.#observability.failures(query),
      get logLevel() {
        return log.level
      },
      setLogLevel: level => {
        log.level = level
      },
      drain: () => this.#asked.resolve('drain'),
      quit: () => this.#asked.resolve('quit'),
    }
  }

  get #connections() {
    return { outbound: this.#outbound?.connections ?? 0, inbound: this.#inbound?.connections ?? 0 }
  }

  #stats(): unknown {
    const { rss, heapUsed } = process.memoryUsage()
    return {
      node: nodeFacts(this.#options, this.#addresses),
      uptimeMs: Math.round(monotonicClock.now() - this.#startedAt),
      active: this.#stack.active,
      connections: this.#connections,
      counters: this.#counters.snapshot(),
      memory: { residentBytes: rss, heapBytes: heapUsed },
      configuration: this.#configuration.state(),
    }
  }
}

function plain({ address, port }: HostPort): HostPort {
  return { address, port }
}
