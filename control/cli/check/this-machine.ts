import { Resolver } from 'node:dns'
import { lookup } from 'node:dns/promises'
import { accessSync, constants, readdirSync, readFileSync, readlinkSync, statfsSync, statSync } from 'node:fs'
import { connect } from 'node:http2'
import { createServer } from 'node:net'
import { resolve as absolute, basename, dirname } from 'node:path'
import { probeApp } from '../../../proxy/app-probe.ts'
import { localAddresses } from '../../../proxy/net/address.ts'
import { wallClock } from '../../../proxy/util/clock.ts'
import { ApiClient } from '../api-client.ts'
import { type Address, formatAddress } from '../values.ts'
import type { Folder, Got, Looked, Machine } from './machine.ts'
import { type Listener, parseListeners } from './sockets.ts'

/** Longest wait for any one answer, ms: what takes longer is a fault, whoever waits. All checks together take three at most. */
export const WAIT_MS = 2_000
/** Processes that are looked at for the holder of a socket; a check must not take minutes on a machine with more. */
const MAX_PROCESSES = 10_000
/** Nobody may own it (RFC 6761 section 6.4), so an answer is sure to be a quick "no such name". */
const NO_SUCH_NAME = 'outrider-check.invalid'
const NOT_GRPC = 'what listens there does not speak gRPC'

/** The machine that this process runs on. */
export function thisMachine(environment: Machine['environment']): Machine {
  return {
    platform: process.platform,
    nodeVersion: process.versions.node,
    environment,
    ownAddresses: localAddresses(),
    dnsServers: new Resolver().getServers(),
    get,
    http2Failure,
    appFailure: ({ host, port }, path) => probeApp({ address: host, port, path }),
    lookup: resolveName,
    resolverFailure,
    listeners,
    ownerOf,
    bindFailure,
    folder: path => folderAt(absolute(path)),
    openFiles,
  }
}

async function get(url: string): Promise<Got> {
  const sentAt = wallClock.now()
  const { origin, pathname, search } = new URL(url)
  try {
    const call = { method: 'GET', path: `${pathname}${search}`, timeoutMs: WAIT_MS } as const
    const { status, headers, text } = await new ApiClient(origin, '').call(call)
    const date = Date.parse(headers.date ?? '')
    return { ok: true, status, text, timing: { sentAt, gotAt: wallClock.now(), serverDate: Number.isNaN(date) ? null : date } }
  } catch (error) {
    return { ok: false, why: (error as Error).message.split(';')[0] as string }
  }
}

function http2Failure(at: Address): Promise<string | null> {
  return new Promise(resolve => {
    const session = connect(`http://${formatAddress(at)}`)
    const done = (why: string | null) => {
      clearTimeout(timer)
      session.destroy()
      resolve(why)
    }
    const timer = setTimeout(() => done(`no answer within ${WAIT_MS} ms`), WAIT_MS)
    session.once('remoteSettings', () => done(null))
    session.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ECONNREFUSED') done('nothing listens there')
      else done(error.code?.startsWith('ERR_HTTP2') ? NOT_GRPC : error.message)
    })
    session.once('close', () => done(NOT_GRPC))
  })
}

async function resolveName(host: string): Promise<Looked> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<Looked>(resolve => {
    timer = setTimeout(() => resolve({ ok: false, why: `no answer within ${WAIT_MS} ms` }), WAIT_MS)
  })
  const found = lookup(host, { all: true }).then(
    (all): Looked => ({ ok: true, addresses: all.map(each => each.address) }),
    (error: NodeJS.ErrnoException): Looked => ({ ok: false, why: error.code === 'ENOTFOUND' ? 'there is no such name' : error.message }),
  )
  const looked = await Promise.race([found, late])
  clearTimeout(timer)
  return looked
}

function resolverFailure(): Promise<string | null> {
  return new Promise(resolve => {
    const resolver = new Resolver({ timeout: WAIT_MS, tries: 1 })
    const timer = setTimeout(() => resolver.cancel(), WAIT_MS)
    resolver.resolve4(NO_SUCH_NAME, error => {
      clearTimeout(timer)
      const code = error?.code ?? ''
      if (['ETIMEOUT', 'ECANCELLED'].includes(code)) resolve(`no answer within ${WAIT_MS} ms`)
      else resolve(code === 'ECONNREFUSED' ? 'nothing answers there' : null)
    })
  })
}

function listeners(): Listener[] | null {
  if (process.platform !== 'linux') return null
  return ['tcp', 'tcp6'].flatMap(name => parseListeners(readOrEmpty(`/proc/net/${name}`)))
}

/** Looks through the open files of this user's processes. */
function ownerOf({ inode }: Listener): string | null {
  const link = `socket:[${inode}]`
  for (const pid of listOrEmpty('/proc')
    .filter(name => /^\d+$/.test(name))
    .slice(0, MAX_PROCESSES)) {
    for (const descriptor of listOrEmpty(`/proc/${pid}/fd`)) {
      if (linkOrEmpty(`/proc/${pid}/fd/${descriptor}`) === link) return `${commandOf(pid)} (pid ${pid})`
    }
  }
  return null
}

/** The first words of a command line, without the folders: `node outrider.js proxy`. */
function commandOf(pid: string): string {
  const words = readOrEmpty(`/proc/${pid}/cmdline`)
    .split('\0')
    .filter(word => word !== '' && !word.startsWith('-'))
  return words
    .slice(0, 3)
    .map(word => basename(word))
    .join(' ')
}

function bindFailure({ host, port }: Address): Promise<string | null> {
  return new Promise(resolve => {
    const server = createServer()
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message))
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(null)))
  })
}

function folderAt(path: string): Folder | null {
  for (let at = path; ; at = dirname(at)) {
    try {
      const isFolder = statSync(at).isDirectory()
      const { bavail, bsize } = statfsSync(at)
      return { path: at, isThere: at === path, isFolder, isWritable: isWritable(at), freeBytes: bavail * bsize }
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || at === dirname(at)) return null
    }
  }
}

function isWritable(path: string): boolean {
  try {
    accessSync(path, constants.W_OK | constants.X_OK)
    return true
  } catch {
    return false
  }
}

/** The hard limit: Node raises the soft one to it when it starts. */
function openFiles(): number | null {
  const [, hard] = /^Max open files\s+\S+\s+(\S+)/m.exec(readOrEmpty('/proc/self/limits')) ?? []
  if (hard === undefined) return null
  return hard === 'unlimited' ? Number.POSITIVE_INFINITY : Number(hard)
}

function readOrEmpty(path: string): string {
  return orElse(() => readFileSync(path, 'utf8'), '')
}

function listOrEmpty(path: string): string[] {
  return orElse(() => readdirSync(path), [])
}

function linkOrEmpty(path: string): string {
  return orElse(() => readlinkSync(path), '')
}

/** What /proc does not let this user see, or what has gone meanwhile, is not there. */
function orElse<T>(read: () => T, otherwise: T): T {
  try {
    return read()
  } catch {
    return otherwise
  }
}
