import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import type { ProxyOptions } from '../../proxy/options.ts'
import { collectorOf } from './collector.ts'
import type { FlagSpec } from './command.ts'
import { CommandError } from './exit-codes.ts'
import type { FlagValues } from './flag-values.ts'
import type { Address } from './values.ts'
import { version } from './version.ts'

/** Flags that `proxy` and `run` share. The defaults of addresses are Istio's where it has one, so that operators know them. */
export const SIDECAR_FLAGS: readonly FlagSpec[] = [
  {
    name: 'service',
    type: { kind: 'name' },
    summary: 'service that the app belongs to; sidecars of one service are its endpoints',
    isRequired: true,
  },
  { name: 'namespace', type: { kind: 'name' }, default: 'default', summary: 'namespace of the service; short names resolve in it' },
  { name: 'labels', type: { kind: 'map' }, summary: 'labels of this endpoint, for selectors', isRepeated: true },
  { name: 'app', type: { kind: 'address' }, default: '127.0.0.1:8080', summary: 'where the app listens' },
  { name: 'control', type: { kind: 'address' }, default: '127.0.0.1:15012', summary: "the control plane's xDS address" },
  { name: 'outbound', type: { kind: 'address' }, default: '127.0.0.1:15001', summary: 'listener for what the app sends' },
  { name: 'inbound', type: { kind: 'address' }, default: '0.0.0.0:15006', summary: 'listener for what peers send to the app' },
  { name: 'admin', type: { kind: 'address' }, default: '127.0.0.1:15000', summary: 'listener for operators' },
  { name: 'health', type: { kind: 'address' }, default: '0.0.0.0:15020', summary: 'listener for a kubelet: readiness only' },
  {
    name: 'advertise',
    type: { kind: 'address' },
    summary: 'where peers reach the inbound listener; left out: as the control plane sees this machine',
  },
  { name: 'node-id', type: { kind: 'text' }, summary: 'unique among sidecars; left out: made of service, host and a random part' },
  {
    name: 'data-dir',
    type: { kind: 'path' },
    summary: 'folder for the last good configuration; left out: none is kept, and a start needs the control plane',
  },
  { name: 'documents', type: { kind: 'path' }, summary: 'file or folder of documents: serves itself from it, without a control plane' },
  {
    name: 'app-health',
    type: { kind: 'text' },
    valueName: '/PATH',
    summary: 'path that the app answers 2xx when it is ready; left out: its port accepts a connection',
  },
  { name: 'drain-timeout', type: { kind: 'duration' }, default: '30s', summary: 'for requests in flight when it leaves' },
  { name: 'dns-server', type: { kind: 'address' }, summary: "DNS server to ask instead of the system's" },
  {
    name: 'log-level',
    type: { kind: 'enum', values: ['debug', 'info', 'warn', 'error'] },
    default: 'info',
    summary: 'what is logged to standard error',
  },
  { name: 'ready-file', type: { kind: 'path' }, summary: 'file that is written, with the addresses taken, once /ready is 200' },
  {
    name: 'otlp',
    type: { kind: 'url' },
    summary: 'collector for spans: OTLP over gRPC; over HTTP with port 4318 or a path; left out: none are made',
  },
]

/** Addresses that a command has settled on itself. */
export interface Addresses {
  readonly app: Address
  readonly control: Address
  readonly outbound: Address
  readonly inbound: Address
  readonly admin: Address
  readonly health: Address
}

/** Refuses a sidecar that is told to serve itself from documents and to follow a control plane: one of both would be ignored. */
export function refuseTwoSources(flags: FlagValues): void {
  if (flags.text('documents') === null || !flags.isGiven('control')) return
  throw new CommandError(
    'usage',
    `--documents (${flags.source('documents')}) and --control (${flags.source('control')}) exclude each other: a sidecar takes its configuration from one of both`,
  )
}

/** Flags as the sidecar takes them. @param addresses beat those of the flags. */
export function proxyOptions(flags: FlagValues, addresses: Partial<Addresses> = {}): ProxyOptions {
  const health = flags.text('app-health')
  if (health !== null && !/^\/[\x21-\x7e]*$/.test(health)) {
    throw new CommandError(
      'usage',
      `--app-health ${JSON.stringify(health)} is not a path; such as /healthz (${flags.source('app-health')})`,
    )
  }
  const dataDir = flags.text('data-dir')
  const at = (name: keyof Addresses) => hostPort(addresses[name] ?? (flags.address(name) as Address))
  const advertise = flags.address('advertise')
  const dnsServer = flags.address('dns-server')
  return {
    service: flags.requiredText('service'),
    namespace: flags.requiredText('namespace'),
    labels: flags.map('labels'),
    nodeId: flags.text('node-id') ?? madeNodeId(flags.requiredText('service'), dataDir),
    build: version(),
    app: at('app'),
    appHealthPath: health,
    control: at('control'),
    outbound: at('outbound'),
    inbound: at('inbound'),
    admin: at('admin'),
    health: at('health'),
    advertise: advertise === null ? null : hostPort(advertise),
    dataDir,
    dnsServer: dnsServer === null ? null : hostPort(dnsServer),
    otlp: collectorOf(flags),
    drainTimeoutMs: flags.durationMs('drain-timeout') ?? 30_000,
    logLevel: flags.requiredText('log-level') as ProxyOptions['logLevel'],
  }
}

/** The CLI's and the data path's forms of an address. */
export function hostPort(address: Address): { address: string; port: number } {
  return { address: address.host, port: address.port }
}

/** A node id that survives a restart where there is a data directory: the lease is then taken over instead of doubled. */
function madeNodeId(service: string, dataDir: string | null): string {
  const fresh = `${service}-${hostname().slice(0, 40)}-${randomBytes(3).toString('hex')}`
  if (dataDir === null) return fresh
  const file = join(dataDir, 'node-id')
  try {
    mkdirSync(dataDir, { recursive: true })
    if (existsSync(file)) return readFileSync(file, 'utf8').trim() || fresh
    writeFileSync(file, `${fresh}\n`)
    return fresh
  } catch (error) {
    throw new CommandError('failed', `--data-dir ${dataDir} cannot be used: ${(error as Error).message}`)
  }
}
