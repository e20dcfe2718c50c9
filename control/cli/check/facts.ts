import type { NodeFacts } from '../../../proxy/node-facts.ts'
import type { ConfigurationState } from '../../../proxy/xds/client.ts'
import type { ControlVersion } from '../../api/version.ts'
import type { ProxyStatus } from '../../xds/status.ts'
import { type Address, formatAddress } from '../values.ts'
import type { Got, Machine, Timing } from './machine.ts'

/** What the operator asked to be checked. `isGiven`: named, so that its absence is a fault; by default it may well not run. */
export interface Asked {
  readonly version: string
  readonly api: { readonly url: string; readonly isGiven: boolean }
  readonly control: { readonly address: Address; readonly isGiven: boolean }
  readonly admin: { readonly address: Address; readonly isGiven: boolean }
  /** Null: as the sidecar says, if one runs. */
  readonly app: Address | null
  readonly appHealth: string | null
  /** `NAMESPACE/NAME`; null: none was named. */
  readonly service: string | null
  readonly dataDir: string
  /** Where a sidecar would listen, by flag. */
  readonly listeners: ReadonlyMap<string, Address>
}

/** A sidecar that answered at its admin port. */
export interface SidecarFacts {
  /** Null: an older sidecar, which does not say. */
  readonly node: NodeFacts | null
  readonly configuration: ConfigurationState
  /** Why the app cannot send; null: it can. */
  readonly outbound: string | null
  /** Why peers cannot send; null: they can. */
  readonly inbound: string | null
}

/** Something that was asked: what it is, that something else is there, or that nothing is. */
export type Found<T> =
  | { readonly state: 'there'; readonly value: T }
  | { readonly state: 'other'; readonly why: string }
  | { readonly state: 'none'; readonly why: string }

/** A control plane that answered. */
export interface ControlFacts {
  /** Null: an older one, which has no `/v1/version`. */
  readonly version: ControlVersion | null
  /** Why it cannot serve; null: it can. */
  readonly notReady: string | null
  readonly timing: Timing
}

/** What the checks look at, asked once for all of them. */
export interface Facts {
  readonly asked: Asked
  readonly sidecar: Found<SidecarFacts>
  readonly control: Found<ControlFacts>
  /** Null: no control plane told. */
  readonly proxies: readonly ProxyStatus[] | null
}

/** Asks the sidecar and the control plane. Takes two waits of the machine at most. */
export async function gather(machine: Machine, asked: Asked): Promise<Facts> {
  const [sidecar, control, proxies] = await Promise.all([
    sidecarAt(machine, `http://${formatAddress(asked.admin.address)}`),
    controlAt(machine, asked.api.url),
    machine.get(`${asked.api.url}/v1/proxies`),
  ])
  return { asked, sidecar, control, proxies: proxiesOf(proxies) }
}

async function sidecarAt(machine: Machine, base: string): Promise<Found<SidecarFacts>> {
  const [stats, outbound, inbound] = await Promise.all([
    machine.get(`${base}/stats`),
    machine.get(`${base}/ready`),
    machine.get(`${base}/ready/inbound`),
  ])
  if (!stats.ok) return { state: 'none', why: stats.why }
  const body = json(stats) as { readonly node?: NodeFacts; readonly configuration?: ConfigurationState } | null
  if (body?.configuration === undefined) return { state: 'other', why: other(stats) }
  const { node = null, configuration } = body
  return {
    state: 'there',
    value: { node, configuration, outbound: unready(outbound, 'outbound'), inbound: unready(inbound, 'inbound') },
  }
}

async function controlAt(machine: Machine, base: string): Promise<Found<ControlFacts>> {
  const [version, ready] = await Promise.all([machine.get(`${base}/v1/version`), machine.get(`${base}/ready`)])
  if (!version.ok) return { state: 'none', why: version.why }
  const body = json(version) as Partial<ControlVersion> | null
  const isOurs = typeof body?.version === 'string' && typeof body.revision === 'number'
  // Before there was /v1/version its 404 was a problem document that names the path.
  const isOlder = version.status === 404 && version.text.includes('/openapi.json')
  if (!isOurs && !isOlder) return { state: 'other', why: other(version) }
  const notReady = ready.ok && ready.status === 200 ? null : ready.ok ? other(ready) : ready.why
  return { state: 'there', value: { version: isOurs ? (body as ControlVersion) : null, notReady, timing: version.timing } }
}

function proxiesOf(got: Got): readonly ProxyStatus[] | null {
  const items = got.ok && got.status === 200 ? (json(got) as { readonly items?: unknown } | null)?.items : null
  return Array.isArray(items) ? (items as ProxyStatus[]) : null
}

/** The reason in a page of `/ready`, which has a line for each half. */
function unready(got: Got, half: 'outbound' | 'inbound'): string | null {
  if (!got.ok) return got.why
  if (got.status === 200) return null
  const line = got.text.split('\n').find(each => each.startsWith(`${half}: `))
  return line === undefined ? other(got) : line.slice(half.length + 2)
}

/** Characters of a stranger's answer that are shown. */
const SHOWN_CHARACTERS = 200

function other(got: Got & { readonly ok: true }): string {
  const problem = json(got) as { readonly detail?: unknown } | null
  const text = typeof problem?.detail === 'string' ? problem.detail : (got.text.trim().split('\n')[0] ?? '')
  return `answered ${got.status}${text === '' ? '' : `: ${text.slice(0, SHOWN_CHARACTERS)}`}`
}

function json(got: Got & { readonly ok: true }): unknown {
  try {
    const value: unknown = JSON.parse(got.text)
    return typeof value === 'object' ? value : null
  } catch {
    return null
  }
}
