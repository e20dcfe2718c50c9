import { wallClock } from '../proxy/util/clock.ts'
import { startWheel, type Timers } from '../proxy/util/timers.ts'
import { isLoopback } from './api/guard.ts'
import type { Address } from './api/options.ts'
import { loadModel } from './api/reading.ts'
import { type ApiServer, startApi } from './api/server.ts'
import { StoreError } from './store/errors.ts'
import { MemoryStore } from './store/memory.ts'
import { openSqliteStore } from './store/sqlite.ts'
import type { Store } from './store/store.ts'
import { Discovery } from './xds/discovery.ts'
import type { Log } from './xds/log.ts'

/** What a control plane is started with. */
export interface ControlPlaneOptions {
  /** Folder of the store; null: documents and leases live as long as the process. */
  readonly dataDir: string | null
  /** Null: no control API, for one that is embedded. */
  readonly api: Address | null
  /** Where Jaeger serves, without a path, for the control API to relay to; left out: nowhere. */
  readonly jaeger?: URL | null
  /** Port 0 takes a free one. */
  readonly xds: Address
  /** Allows binds that other machines reach, before there are identities. */
  readonly isInsecure: boolean
  /** Sidecars that followed another store follow this one. */
  readonly isAdopting: boolean
  readonly log: Log
  readonly version: string
  readonly timers?: Timers
}

/** A running control plane. */
export interface ControlPlane {
  /** Where the control API listens; null: there is none. */
  readonly api: Address | null
  readonly xds: Address
  readonly storeId: string
  /** For those who embed it: what is applied here reaches the sidecars. Documents must have passed control/model's checks. */
  readonly store: Store
  /** What an operator must read at the start. */
  readonly warnings: readonly string[]
  /** Ends both servers, then closes the store. Sidecars go on with what they have. */
  close(): Promise<void>
}

/** Why a control plane does not start, for an operator: names the flag that changes it. */
export class StartError extends Error {}

/** Starts a control plane: store, discovery, control API, in this order, so that nobody is served before what is stored has been read. Rejects with StartError. */
export async function startControlPlane(options: ControlPlaneOptions): Promise<ControlPlane> {
  const open = openBinds(options)
  const store = openStore(options.dataDir)
  let discovery: Discovery | null = null
  try {
    discovery = await startDiscovery(store, options, open.length > 0)
    const api = options.api === null ? null : await startControlApi(store, discovery, options.api, options, open)
    return running(store, discovery, api, open, options.log)
  } catch (error) {
    await discovery?.close()
    await store.close()
    throw error
  }
}

function running(store: Store, discovery: Discovery, api: ApiServer | null, warnings: readonly string[], log: Log): ControlPlane {
  const stopFeeding = feed(store, discovery, log)
  const { address: host, port } = discovery.address
  return {
    api: api?.address ?? null,
    xds: { host, port },
    storeId: store.id,
    store,
    warnings,
    async close() {
      stopFeeding()
      await api?.close()
      await discovery.close()
      await store.close()
    },
  }
}

/** Gives every committed revision to the sidecars, newest last. One that can't be read back leaves them with the one before, until the next change. */
function feed(store: Store, discovery: Discovery, log: Log): () => void {
  let isStopped = false
  let newest = 0
  const stop = store.watch(() => {
    loadModel(store).then(
      model => {
        if (isStopped || model.revision < newest) return
        newest = model.revision
        discovery.setModel(model)
      },
      error => log.error({ error: String(error) }, 'a committed revision could not be read back; the sidecars keep the one before'),
    )
  })
  return () => {
    isStopped = true
    stop()
  }
}

/** One sentence for each bind that other machines reach; refused without --insecure. */
function openBinds({ api, xds, isInsecure }: ControlPlaneOptions): readonly string[] {
  const sentences: string[] = []
  for (const [flag, address] of [
    ['api', api],
    ['xds', xds],
  ] as const) {
    if (address === null || isLoopback(address.host)) continue
    if (!isInsecure) {
      throw new StartError(
        `--${flag} ${address.host}:${address.port} can be reached from other machines, and there are no identities yet: bind 127.0.0.1, or add --insecure`,
      )
    }
    sentences.push(
      `--insecure: anybody who reaches ${address.host}:${address.port} (--${flag}) ${flag === 'api' ? 'changes the mesh' : 'joins the mesh'}`,
    )
  }
  return sentences
}

function openStore(dataDir: string | null): Store {
  if (dataDir === null) return new MemoryStore()
  try {
    return openSqliteStore({ dataDir })
  } catch (error) {
    throw error instanceof StoreError ? new StartError(error.message, { cause: error }) : error
  }
}

async function startDiscovery(store: Store, options: ControlPlaneOptions, isInsecure: boolean): Promise<Discovery> {
  const { xds, isAdopting, log, timers = startWheel() } = options
  const model = await loadModel(store)
  return bound(
    'xds',
    xds,
    Discovery.start({ store, model, host: xds.host, port: xds.port, isAdopting, isInsecure, timers, clock: wallClock, log }),
  )
}

function startControlApi(
  store: Store,
  discovery: Discovery,
  address: Address,
  options: ControlPlaneOptions,
  open: readonly string[],
): Promise<ApiServer> {
  const { jaeger = null, log, version } = options
  const api = startApi({
    store,
    board: discovery.board,
    address,
    view: group => discovery.viewFor(group),
    leases: async () => discovery.leases.list(),
    jaeger,
    failures: (question, take) => discovery.failures(question, take),
    counters: discovery.limits,
    warnings: open.length > 0 ? ['insecure'] : [],
    version,
    log: (level, text) => log[level]({}, text),
  })
  return bound('api', address, api)
}

/** Names the flag of an address that cannot be had. */
async function bound<T>(flag: string, { host, port }: Address, listening: Promise<T>): Promise<T> {
  try {
    return await listening
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    const place = host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
    if (code === 'EADDRINUSE')
      throw new StartError(`${place} is in use by another process; --${flag} HOST:PORT chooses another, port 0 any free one`)
    if (code === 'EACCES') throw new StartError(`${place} needs more rights than this process has; --${flag} HOST:PORT chooses another`)
    if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND')
      throw new StartError(`${place} is no address of this machine; --${flag} HOST:PORT chooses another`)
    throw error
  }
}
