import t from 'tap'
import { configurationCheck } from '../../../../../control/cli/check/configuration.ts'
import { controlPlaneCheck } from '../../../../../control/cli/check/control-plane.ts'
import { sidecarCheck } from '../../../../../control/cli/check/sidecar.ts'
import { sidecarsCheck } from '../../../../../control/cli/check/sidecars.ts'
import { versionsCheck } from '../../../../../control/cli/check/versions.ts'
import { xdsCheck } from '../../../../../control/cli/check/xds.ts'
import { ASKED, configured, control, facts, run, shown, sidecar } from './support.ts'

const given = { api: { url: 'http://10.0.0.1:15080', isGiven: true } }
const nack = (revision: number) => ({ typeUrl: 't', resource: 'r', message: 'orders (a.yaml:3): bad regex', at: 5_000, revision })

t.test('control-plane: one that was named must be there, the default one may be missing', async t => {
  t.match((await run(controlPlaneCheck, {})).said, [/^warning: nothing listens/])
  t.match((await run(controlPlaneCheck, {}, facts({ asked: given }))).said, [/^fault: nothing listens/])
  t.match((await run(controlPlaneCheck, {}, facts({ sidecar: sidecar() }))).said, [/^skipped: no control API at the default address/])
  t.same((await run(controlPlaneCheck, {}, facts({ control: control() }))).said, [
    'ok: control plane 0.1.0, revision 5, at http://127.0.0.1:15080',
  ])
  t.same((await run(controlPlaneCheck, {}, facts({ control: control({ version: null }) }))).said, [
    'ok: an older control plane, at http://127.0.0.1:15080',
  ])
})

t.test('control-plane: a stranger at its port, and one that cannot serve, are faults', async t => {
  t.same((await run(controlPlaneCheck, {}, facts({ control: { state: 'other', why: 'answered 403: Host "x"' } }))).said, [
    'fault: what listens at http://127.0.0.1:15080 is no control plane, or refuses: answered 403: Host "x"',
  ])
  t.same((await run(controlPlaneCheck, {}, facts({ control: control({ notReady: 'answered 500' }) }))).said, [
    'fault: the control plane at http://127.0.0.1:15080 cannot serve: answered 500',
  ])
})

t.test('xds: asked where the sidecar itself goes', async t => {
  const asked: string[] = []
  const dead = {
    http2Failure: async ({ host, port }: { host: string; port: number }) => {
      asked.push(`${host}:${port}`)
      return 'nothing listens there'
    },
  }
  t.same((await run(xdsCheck, {})).said, ["ok: the control plane's xDS port answers, at 127.0.0.1:15012"])
  t.match((await run(xdsCheck, dead)).said, [/^warning: a sidecar gets no configuration from 127.0.0.1:15012: nothing listens there/])
  const well = sidecar()
  const other = well.state === 'there' && well.value.node !== null ? sidecar({ node: { ...well.value.node, control: '10.0.0.9:1' } }) : well
  t.match((await run(xdsCheck, dead, facts({ sidecar: other }))).said, [/^fault: .* 10.0.0.9:1/])
  const named = { control: { address: { host: '10.0.0.8', port: 2 }, isGiven: true } }
  t.match((await run(xdsCheck, dead, facts({ sidecar: other, asked: named }))).said, [/^fault: .* 10.0.0.8:2/])
  t.same(asked, ['127.0.0.1:15012', '10.0.0.9:1', '10.0.0.8:2'])
})

t.test('versions: whoever differs from this command is named', async t => {
  t.same((await run(versionsCheck, {})).said, ['skipped: this command is 0.1.0; nothing answered to compare it with'])
  t.same((await run(versionsCheck, {}, facts({ control: control(), sidecar: sidecar(), proxies: [shown('web-1')] }))).said, [
    'ok: all 0.1.0: the control plane, web-1',
  ])
  const mixed = facts({
    control: control({ version: { version: '0.2.0', storeId: 's', revision: 1 } }),
    proxies: [...'abcdefg'].map(id => shown(id, { build: '0.0.9' })).concat(shown('gone', { build: '0.0.1', isConnected: false })),
  })
  t.same((await run(versionsCheck, {}, mixed)).said, [
    'warning: the control plane runs 0.2.0, this command is 0.1.0',
    'warning: a, b, c, d, e and 2 more run 0.0.9, this command is 0.1.0',
  ])
})

t.test('sidecars: those that refuse or are late are told apart from a refusal that is mended', async t => {
  t.same((await run(sidecarsCheck, {})).said, ['skipped: no control plane to ask'])
  t.same((await run(sidecarsCheck, {}, facts({ proxies: [] }))).said, ['ok: none is connected to the control plane'])
  const mended = shown('a', { lastNack: nack(4) })
  t.same((await run(sidecarsCheck, {}, facts({ proxies: [mended] }))).said, ['ok: 1 connected, all in sync'])
  const proxies = [
    mended,
    shown('b', { inSync: false, lastNack: nack(6), version: '5' }),
    shown('c', { inSync: false, lastNack: nack(4), version: '5' }),
    shown('d', { warnings: ['unhealthy'] }),
    shown('e', { isConnected: false }),
  ]
  t.same((await run(sidecarsCheck, {}, facts({ proxies }))).said, [
    'fault: 1 of 4 refuse their configuration; b: orders (a.yaml:3): bad regex',
    'warning: 1 of 4 do not run the present revision yet',
    'warning: unhealthy (d): its registration is lost: the endpoint is picked last',
  ])
})

t.test('sidecars: the service that was named must have one', async t => {
  const proxies = [shown('a'), shown('b', { service: 'orders', isConnected: false })]
  t.same((await run(sidecarsCheck, {}, facts({ proxies, asked: { service: 'default/web' } }))).said, [
    'ok: 1 of default/web connected, all in sync',
  ])
  const missing = await run(sidecarsCheck, {}, facts({ proxies, asked: { service: 'default/orders' } }))
  t.same(missing.said, ['fault: no sidecar of default/orders is connected to the control plane'])
  t.match(missing.fixes, [/known are default\/orders, default\/web$/])
})

t.test('sidecar: one that was named must be there, be a sidecar, and take requests', async t => {
  const admin = { address: ASKED.admin.address, isGiven: true }
  t.match((await run(sidecarCheck, {})).said, [/^skipped: none runs at 127.0.0.1:15000/])
  t.match((await run(sidecarCheck, {}, facts({ asked: { admin } }))).said, [/^fault: nothing listens there/])
  t.match((await run(sidecarCheck, {}, facts({ sidecar: { state: 'other', why: 'answered 404' } }))).said, [
    /^fault: what listens at 127.0.0.1:15000 is no sidecar/,
  ])
  t.same((await run(sidecarCheck, {}, facts({ sidecar: sidecar() }))).said, ['ok: web-1 of default/web is ready at 127.0.0.1:15000'])
  t.same((await run(sidecarCheck, {}, facts({ sidecar: sidecar({ outbound: 'draining', node: null }) }))).said, [
    'fault: a sidecar at 127.0.0.1:15000 takes no requests from its app: draining',
  ])
})

t.test('configuration: what it runs, and whether it has lost or refuses its control plane', async t => {
  const said = async (of: Parameters<typeof facts>[0]) => (await run(configurationCheck, {}, facts(of))).said
  t.same(await said({}), ['skipped: no sidecar was asked'])
  t.same(await said({ sidecar: sidecar() }), ['ok: revision 5, from the control plane'])
  t.same(await said({ sidecar: configured({ isConnected: false, ageMs: 90_000, source: 'disk' }) }), [
    'warning: the sidecar has lost its control plane; it goes on with revision 5, confirmed 90 s ago',
  ])
  t.same(await said({ sidecar: configured({ isConnected: false, source: 'none' }) }), [
    'fault: the sidecar has no configuration: it is not connected to a control plane and has no copy on disk',
  ])
  t.match(await said({ sidecar: configured({ refusal: 'foreign-store' }) }), [
    /^fault: the control plane has another store, .* revision 5 of s1$/,
  ])
  t.match(await said({ sidecar: configured({ refusal: 'old-revision' }) }), [
    /^fault: the control plane has an earlier revision than its own/,
  ])
})

t.test('configuration: the control plane knows better whether a refusal still holds', async t => {
  const said = async (of: Parameters<typeof facts>[0]) => (await run(configurationCheck, {}, facts(of))).said
  const lastNack = { typeUrl: 't', message: 'bad regex', at: 5_000 }
  t.same(await said({ sidecar: configured({ lastNack }) }), [
    'fault: the sidecar refuses its latest configuration and keeps the one before: bad regex',
  ])
  t.match(await said({ sidecar: configured({ lastNack, inForceSince: 6_000 }) }), [/^ok/])
  t.match(await said({ sidecar: configured({ lastNack }), proxies: [shown('web-1', { lastNack: nack(4) })] }), [/^ok/])
  t.match(
    await said({ sidecar: configured({ lastNack, inForceSince: 6_000 }), proxies: [shown('web-1', { inSync: false, lastNack: nack(6) })] }),
    [/^fault: .*bad regex$/],
  )
  t.same(await said({ sidecar: sidecar(), proxies: [shown('web-1', { inSync: false })] }), [
    'warning: the sidecar runs revision 5 and has not answered a later one yet',
  ])
})
