import { createHash } from 'node:crypto'
import { createLog, type Log } from '../../proxy/telemetry/log.ts'
import { type ControlPlane, startControlPlane } from '../main.ts'
import { checkDocuments } from '../model/check.ts'
import { KINDS } from '../model/document.ts'
import { documentKey, EMPTY_MODEL } from '../model/model.ts'
import type { Change, Store } from '../store/store.ts'
import { faultLine, type Loaded, loadFiles, withOrigin } from './document-files.ts'
import { CommandError } from './exit-codes.ts'
import type { Address } from './values.ts'
import { version } from './version.ts'

/** Between looks at the files, ms. Looking at content finds what events miss: a mounted volume, a checkout, a swapped link. */
const LOOK_MS = 1_000

/** A control plane inside this process, for one sidecar. */
export interface Embedded {
  readonly xds: Address
  close(): Promise<void>
}

/**
 * Serves the documents of a file or folder from a control plane that is embedded in this process, so that there is still one path for
 * configuration. Follows changes; a set with a fault is logged and the last good one stays. Rejects with CommandError when the first set is faulty.
 */
export async function serveDocuments(path: string): Promise<Embedded> {
  const first = loadFiles([path])
  const faults = faultsOf(first)
  if (faults.length > 0) throw new CommandError('failed', faults.join('\n'))
  const log = createLog('warn')
  const plane = await startControlPlane({
    dataDir: null,
    api: null,
    xds: { host: '127.0.0.1', port: 0 },
    isInsecure: false,
    // Its store is made anew at each start; a sidecar that kept a configuration of the last one must follow.
    isAdopting: true,
    log: {
      info: () => {},
      warn: (fields, message) => log.warn(message, { ...fields }),
      error: (fields, message) => log.error(message, { ...fields }),
    },
    version: version(),
  })
  await replaceAll(plane.store, first)
  const timer = watch(path, plane, log, digestOf(first))
  return {
    xds: plane.xds,
    close: () => {
      clearInterval(timer)
      return plane.close()
    },
  }
}

function watch(path: string, plane: ControlPlane, log: Log, first: string): NodeJS.Timeout {
  let seen = first
  let failure = ''
  const look = async () => {
    const loaded = loadFiles([path])
    const digest = digestOf(loaded)
    if (digest === seen) return
    seen = digest
    const faults = faultsOf(loaded)
    if (faults.length > 0) log.warn(`${path} has faults, so the documents before stay in force`, { faults })
    else await replaceAll(plane.store, loaded)
    failure = ''
  }
  return setInterval(() => {
    look().catch((error: Error) => {
      // Said once, not once a second.
      if (error.message !== failure) log.warn(`the documents before stay in force: ${error.message}`)
      failure = error.message
    })
  }, LOOK_MS).unref()
}

function faultsOf(loaded: Loaded): string[] {
  const { faults } = loaded.faults.length > 0 ? loaded : checkDocuments(loaded.sources, EMPTY_MODEL)
  return faults.map(faultLine)
}

function digestOf({ sources, faults }: Loaded): string {
  const content = JSON.stringify([sources.map(withOrigin), faults])
  return createHash('sha256').update(content).digest('base64')
}

/** Makes the store's documents exactly those of the files, in one transaction. */
async function replaceAll(store: Store, { sources }: Loaded): Promise<void> {
  const documents = sources.map(withOrigin)
  const wanted = new Set(documents.map(documentKey))
  const changes: Change[] = documents.map(document => ({ op: 'put', document, ifMatch: null }))
  for (const kind of KINDS) {
    for (const { metadata } of await store.list(kind, null)) {
      const { namespace, name } = metadata
      if (!wanted.has(documentKey({ kind, metadata }))) changes.push({ op: 'delete', kind, namespace, name, ifMatch: null })
    }
  }
  await store.apply(changes)
}
