import type { Check } from '../../../../../control/cli/check/check.ts'
import type { Asked, ControlFacts, Facts, SidecarFacts } from '../../../../../control/cli/check/facts.ts'
import type { Machine } from '../../../../../control/cli/check/machine.ts'
import type { ProxyStatus } from '../../../../../control/xds/status.ts'

/** A machine on which all is well and nothing runs. */
export const MACHINE: Machine = {
  platform: 'linux',
  nodeVersion: '26.10.0',
  environment: {},
  get: async url => ({ ok: false, why: `nothing listens at ${new URL(url).origin}` }),
  http2Failure: async () => null,
  appFailure: async () => null,
  lookup: async () => ({ ok: true, addresses: ['127.0.0.1', '::1'] }),
  ownAddresses: new Set(['127.0.0.1', '10.0.0.7']),
  dnsServers: ['10.0.0.2'],
  resolverFailure: async () => null,
  listeners: () => [],
  ownerOf: () => null,
  bindFailure: async () => null,
  folder: path => ({ path, isThere: true, isFolder: true, isWritable: true, freeBytes: 2 ** 40 }),
  openFiles: () => 65_536,
}

const at = (port: number, host = '127.0.0.1') => ({ host, port })

/** What `outrider check` asks without any flag. */
export const ASKED: Asked = {
  version: '0.1.0',
  api: { url: 'http://127.0.0.1:15080', isGiven: false },
  control: { address: at(15_012), isGiven: false },
  admin: { address: at(15_000), isGiven: false },
  app: null,
  appHealth: null,
  service: null,
  dataDir: '/data',
  listeners: new Map([
    ['outbound', at(15_001)],
    ['inbound', at(15_006, '0.0.0.0')],
    ['admin', at(15_000)],
    ['health', at(15_020, '0.0.0.0')],
  ]),
}

/** Facts where nothing runs, and what differs from it. */
export function facts({ asked, ...more }: Partial<Omit<Facts, 'asked'>> & { readonly asked?: Partial<Asked> } = {}): Facts {
  const none = { state: 'none', why: 'nothing listens there' } as const
  return { sidecar: none, control: none, proxies: null, ...more, asked: { ...ASKED, ...asked } }
}

/** A sidecar that is well, and what differs from it. */
export function sidecar(more: Partial<SidecarFacts> = {}): Facts['sidecar'] {
  const value: SidecarFacts = {
    node: {
      id: 'web-1',
      service: 'web',
      namespace: 'default',
      build: '0.1.0',
      app: '127.0.0.1:8080',
      control: '127.0.0.1:15012',
      outbound: '127.0.0.1:15001',
      inbound: '0.0.0.0:15006',
      health: '0.0.0.0:15020',
    },
    configuration: {
      isConnected: true,
      storeId: 's1',
      revision: 5,
      source: 'control-plane',
      inForceSince: 1_000,
      ageMs: 0,
      refusal: null,
      lastNack: null,
      waitingFor: [],
    },
    outbound: null,
    inbound: null,
    ...more,
  }
  return { state: 'there', value }
}

/** The configuration of a sidecar, and what differs from a good one. */
export function configured(more: Partial<SidecarFacts['configuration']>): Facts['sidecar'] {
  const well = sidecar()
  return well.state === 'there' ? sidecar({ configuration: { ...well.value.configuration, ...more } }) : well
}

/** A control plane that is well, and what differs from it. */
export function control(more: Partial<ControlFacts> = {}): Facts['control'] {
  const value: ControlFacts = {
    version: { version: '0.1.0', storeId: 's1', revision: 5 },
    notReady: null,
    timing: { sentAt: 10_000, gotAt: 10_000, serverDate: 9_500 },
    ...more,
  }
  return { state: 'there', value }
}

/** A sidecar as the control plane shows it. */
export function shown(id: string, more: Partial<ProxyStatus> = {}): ProxyStatus {
  return {
    id,
    service: 'web',
    namespace: 'default',
    labels: {},
    address: '127.0.0.1:15006',
    version: '5',
    inSync: true,
    isConnected: true,
    since: '2026-01-01T00:00:00.000Z',
    lastNack: null,
    build: '0.1.0',
    warnings: [],
    ...more,
  }
}

/** Runs one check. @returns each finding as `state: message`, and the fixes. */
export async function run(
  check: Check,
  machine: Partial<Machine>,
  of: Facts = facts(),
): Promise<{ said: string[]; fixes: (string | null)[] }> {
  const findings = await check.run({ ...MACHINE, ...machine }, of)
  if (findings.some(({ name }) => name !== check.name)) throw new Error(`a finding of ${check.name} has another name`)
  return { said: findings.map(({ state, message }) => `${state}: ${message}`), fixes: findings.map(({ fix }) => fix) }
}
