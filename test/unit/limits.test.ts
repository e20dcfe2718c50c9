import t from 'tap'
import { checkDocuments } from '../../control/model/check.ts'
import { EMPTY_MODEL } from '../../control/model/model.ts'
import { nearest } from '../../control/model/nearest.ts'
import { parseDocuments } from '../../control/model/parse.ts'
import { LimitCounters } from '../../control/xds/counters.ts'
import { HOLD_MS, LeaseTable, type Registered } from '../../control/xds/leases.ts'
import { SILENT } from '../../control/xds/log.ts'
import { readHello } from '../../control/xds/registration.ts'
import { parseHosts } from '../../proxy/cluster/name-files.ts'
import { DEFAULT_LIMITS } from '../../proxy/http1/limits.ts'
import { HeadParser, REFUSED } from '../../proxy/http1/parser.ts'
import { HandClock } from '../support/hand-clock.ts'

function faultsOf(document: object) {
  const parsed = parseDocuments(JSON.stringify(document))
  const checked = checkDocuments(parsed.documents, EMPTY_MODEL)
  return { faults: [...parsed.faults, ...checked.faults], warnings: checked.warnings }
}

const service = (spec: object) => ({ apiVersion: 'outrider.dev/v1', kind: 'Service', metadata: { name: 'orders' }, spec })
const ports = [{ port: 80, protocol: 'http' }]

t.test('of the unknown fields of one mapping 50 are told', async t => {
  const unknown = Object.fromEntries(Array.from({ length: 60 }, (_, i) => [`zz${i}`, 1]))
  t.equal(faultsOf(service({ ports, ...unknown })).faults.length, 50)
})

t.test('a value that is refused is shown up to 200 characters', async t => {
  const [fault] = faultsOf(service({ ports: [{ port: 80, protocol: 'x'.repeat(5_000) }] })).faults
  t.equal(fault?.value, `${'x'.repeat(200)}...`)
})

t.test('a word of more than 64 letters has no nearest one', async t => {
  const word = 'x'.repeat(64)
  t.equal(nearest(`${word.slice(1)}y`, [word]), word)
  t.equal(nearest(`${word}y`, [word]), null)
})

t.test('of the services that do not exist 20 get a suggestion', async t => {
  const backendRefs = Array.from({ length: 16 }, (_, i) => ({ name: `orderz${i}`, port: 80 }))
  const rule = (path: string, shift: number) => ({
    matches: [{ path: { type: 'Exact', value: path } }],
    backendRefs: backendRefs.map(each => ({ ...each, name: `${each.name}${shift}` })),
  })
  const route = {
    apiVersion: 'gateway.networking.k8s.io/v1',
    kind: 'HTTPRoute',
    metadata: { name: 'r' },
    spec: { parentRefs: [{ group: '', kind: 'Service', name: 'orders' }], rules: [rule('/a', 1), rule('/b', 2)] },
  }
  const parsed = parseDocuments(JSON.stringify([service({ ports }), route]))
  const { warnings } = checkDocuments(parsed.documents, EMPTY_MODEL)
  t.equal(warnings.filter(each => each.message.includes('did you mean')).length, 20)
  t.equal(warnings.length, 32)
})

t.test('a label of a registration has up to 253 characters', async t => {
  const hello = { nodeId: 'a', service: 'orders', namespace: '', port: 80, protocol: '', address: '', build: '', isAppReady: true }
  const said = (length: number) =>
    readHello({ ...hello, labels: { l: 'v'.repeat(length) } } as unknown as Parameters<typeof readHello>[0], '127.0.0.1')
  t.type(said(253), 'object')
  t.match(said(254), /at most 253 octets/)
})

t.test('leases that vanished together are removed after 10 min, and are counted as held', async t => {
  const clock = new HandClock()
  const limits = new LimitCounters()
  const store = { putLease: async () => {}, deleteLease: async () => {} }
  const table = new LeaseTable({ store, timers: clock.wheel, clock, log: SILENT, changed() {}, limits })
  for (const node of ['a', 'b']) {
    const owner = { end() {} }
    const said = { node, service: 'orders', namespace: 'default', address: '127.0.0.1', port: 80, protocol: 'http', labels: {} }
    await table.register({ ...said, build: '', isAppReady: true } satisfies Registered, owner)
    table.left(node, owner)
  }
  clock.pass(1_010)
  t.equal(limits.of('leases_held'), 2)
  clock.pass(HOLD_MS - 100)
  t.equal(table.list().length, 2)
  clock.pass(200)
  t.equal(table.list().length, 0)
})

t.test('a silent lease is counted', async t => {
  const clock = new HandClock()
  const limits = new LimitCounters()
  const store = { putLease: async () => {}, deleteLease: async () => {} }
  const table = new LeaseTable({ store, timers: clock.wheel, clock, log: SILENT, changed() {}, limits, maxLeases: 1 })
  const said = {
    service: 'orders',
    namespace: 'default',
    address: '127.0.0.1',
    port: 80,
    protocol: 'http',
    labels: {},
    build: '',
    isAppReady: true,
  }
  await table.register({ ...said, node: 'a' }, { end() {} })
  t.equal(await table.register({ ...said, node: 'b' }, { end() {} }), null)
  t.equal(limits.of('leases'), 1)
  clock.pass(10_010)
  t.equal(limits.of('lease_silence'), 1)
  table.close()
})

t.test('of a hosts file 100,000 lines are read', async t => {
  const lines = Array.from({ length: 100_001 }, (_, i) => `10.0.0.1 n${i}`)
  const names = parseHosts(lines.join('\n'))
  t.ok(names.has('n99999'))
  t.notOk(names.has('n100000'))
})

t.test('empty lines before a request line: two are skipped, and a status line has up to 1,024 octets', async t => {
  const read = (kind: 'request' | 'response', text: string) => {
    const octets = Buffer.from(text)
    return new HeadParser(kind, DEFAULT_LIMITS).parse(octets, 0, octets.length) !== REFUSED
  }
  const request = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n'
  t.equal(read('request', `\r\n\r\n${request}`), true)
  t.equal(read('request', `\r\n\r\n\r\n${request}`), false)
  const start = 'HTTP/1.1 200 '
  t.equal(read('response', `${start}${'x'.repeat(1_024 - start.length)}\r\n\r\n`), true)
  t.equal(read('response', `${start}${'x'.repeat(1_025 - start.length)}\r\n\r\n`), false)
})
