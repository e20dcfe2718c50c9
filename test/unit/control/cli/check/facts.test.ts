import t from 'tap'
import { CHECKS, runChecks } from '../../../../../control/cli/check/checks.ts'
import { gather } from '../../../../../control/cli/check/facts.ts'
import type { Machine } from '../../../../../control/cli/check/machine.ts'
import { ASKED, MACHINE, shown } from './support.ts'

const timing = { sentAt: 1, gotAt: 2, serverDate: null }

/** A machine where URLs that begin so are answered so. */
function answering(pages: Record<string, readonly [status: number, body: unknown]>): Machine {
  return {
    ...MACHINE,
    get: async url => {
      const [status, body] = pages[url] ?? [404, 'not here']
      if (!Object.keys(pages).some(page => new URL(page).origin === new URL(url).origin)) return { ok: false, why: 'nothing' }
      return { ok: true, status, text: typeof body === 'string' ? body : JSON.stringify(body), timing }
    },
  }
}

const ADMIN = 'http://127.0.0.1:15000'
const API = 'http://127.0.0.1:15080'

t.test('a sidecar is known by its /stats, and why it is not ready by the line of each half', async t => {
  const page = 'outbound: ready\ninbound: the app at 127.0.0.1:8080 is not ready: connection refused\n'
  const { sidecar } = await gather(
    answering({
      [`${ADMIN}/stats`]: [200, { configuration: { revision: 3 } }],
      [`${ADMIN}/ready`]: [200, page],
      [`${ADMIN}/ready/inbound`]: [503, page],
    }),
    ASKED,
  )
  t.same(sidecar, {
    state: 'there',
    value: {
      node: null,
      configuration: { revision: 3 },
      outbound: null,
      inbound: 'the app at 127.0.0.1:8080 is not ready: connection refused',
    },
  })
})

t.test('what answers otherwise is no sidecar and no control plane', async t => {
  const stranger = {
    [`${ADMIN}/stats`]: [200, 'welcome\nhome'],
    [`${API}/v1/version`]: [403, { detail: 'Host "x" is not this control plane' }],
  } as const
  const { sidecar, control, proxies } = await gather(answering(stranger), ASKED)
  t.same(sidecar, { state: 'other', why: 'answered 200: welcome' })
  t.same(control, { state: 'other', why: 'answered 403: Host "x" is not this control plane' })
  t.equal(proxies, null)
})

t.test('a control plane tells its version, its readiness and its sidecars; an older one has no /v1/version', async t => {
  const version = { version: '0.1.0', storeId: 's', revision: 4 }
  const well = await gather(
    answering({
      [`${API}/v1/version`]: [200, version],
      [`${API}/ready`]: [500, { detail: 'a defect' }],
      [`${API}/v1/proxies`]: [200, { items: [shown('a')] }],
    }),
    ASKED,
  )
  t.same(well.control, { state: 'there', value: { version, notReady: 'answered 500: a defect', timing } })
  t.equal(well.proxies?.[0]?.id, 'a')
  const older = await gather(
    answering({
      [`${API}/v1/version`]: [404, { detail: 'there is no /v1/version; /openapi.json describes what there is' }],
      [`${API}/ready`]: [200, 'ready\n'],
    }),
    ASKED,
  )
  t.same(older.control, { state: 'there', value: { version: null, notReady: null, timing } })
})

t.test('every check says something about every machine, and every fault and warning has a fix', async t => {
  const broken: Machine = {
    ...MACHINE,
    nodeVersion: '20.0.0',
    http2Failure: async () => 'nothing listens there',
    appFailure: async () => 'connection refused',
    lookup: async () => ({ ok: false, why: 'there is no such name' }),
    resolverFailure: async () => 'no answer',
    listeners: () => [{ address: '0.0.0.0', port: 15_001, inode: '1' }],
    folder: () => null,
    openFiles: () => 10,
    environment: { HTTP_PROXY: 'http://corp' },
  }
  for (const machine of [MACHINE, broken]) {
    const findings = await runChecks(machine, ASKED)
    t.same(new Set(findings.map(({ name }) => name)), new Set(CHECKS.map(({ name }) => name)))
    for (const { name, state, message, fix } of findings) {
      t.equal(fix !== null, state === 'fault' || state === 'warning', `${name}: ${message}`)
      t.notMatch(message, /undefined|null|\.$/, name)
    }
  }
})
