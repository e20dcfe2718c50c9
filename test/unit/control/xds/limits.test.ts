import { status } from '@grpc/grpc-js'
import t from 'tap'
import { EMPTY_MODEL } from '../../../../control/model/model.ts'
import { TYPES } from '../../../../control/translate/resources.ts'
import { MAX_GROUPS, SnapshotCache } from '../../../../control/xds/cache.ts'
import { LimitCounters } from '../../../../control/xds/counters.ts'
import { expectFirst, FIRST_MESSAGE_MS } from '../../../../control/xds/first-message.ts'
import { MAX_NODE_ID, MAX_NODE_LABELS, MAX_NODE_TEXT, nodeIdentity } from '../../../../control/xds/node.ts'
import { MAX_LABELS, readHello } from '../../../../control/xds/registration.ts'
import { ACK_DEADLINE_MS, DiscoveryStream, MAX_NAME_LENGTH, MAX_NAMES } from '../../../../control/xds/stream.ts'
import type { DiscoveryAsk } from '../../../../control/xds/variant.ts'
import { HandClock } from '../../../support/hand-clock.ts'

const ask = (more: Partial<DiscoveryAsk> = {}): DiscoveryAsk => ({
  node: null,
  typeUrl: TYPES.endpoint,
  nonce: '',
  refusal: null,
  names: [],
  unsubscribe: [],
  initialVersions: {},
  ...more,
})

function stream() {
  const clock = new HandClock()
  const said: string[] = []
  const sent: Buffer[] = []
  const cache = new SnapshotCache(EMPTY_MODEL, () => [])
  const joined = cache.join({ namespace: 'default', client: 'outrider' }, () => {})
  if (joined === null) throw new Error('no place')
  const port = {
    send: (octets: Buffer) => void sent.push(octets),
    fail: (message: string) => void said.push(message),
    changed() {},
    refused() {},
    slow: () => void said.push('slow'),
  }
  const discovery = new DiscoveryStream({
    variant: 'delta',
    storeId: 's',
    controlPlane: 'c',
    published: joined.published,
    timers: clock.wheel,
    port,
  })
  return { clock, said, sent, discovery }
}

const names = (count: number, from = 0) => Array.from({ length: count }, (_, i) => `default/s${from + i}:80`)

t.test('names of one type: as many as the limit, and not one more', async t => {
  const { said, discovery } = stream()
  discovery.request(ask({ names: names(MAX_NAMES) }))
  t.same(said, [])
  discovery.request(ask({ names: ['default/one-more:80'] }))
  t.same(said, [`more than ${MAX_NAMES} names of ${TYPES.endpoint}`])
})

t.test('names that are asked for and given up while a response is under way are limited too', async t => {
  const { said, discovery } = stream()
  discovery.request(ask({ names: ['default/first:80'] }))
  for (let i = 1; i < 8 && said.length === 0; i++) {
    const some = names(MAX_NAMES / 2, i * MAX_NAMES)
    discovery.request(ask({ names: some }))
    discovery.request(ask({ unsubscribe: some }))
  }
  t.match(said, [/^more than/])
})

t.test('a name that no cluster can have ends the stream', async t => {
  const { said, discovery } = stream()
  discovery.request(ask({ names: ['x'.repeat(MAX_NAME_LENGTH)] }))
  t.same(said, [])
  discovery.request(ask({ names: ['x'.repeat(MAX_NAME_LENGTH + 1)] }))
  t.match(said, [/more than 1024 characters/])
})

t.test('a response that stays without an answer is told once, at its deadline', async t => {
  const { clock, said, sent, discovery } = stream()
  discovery.request(ask({ names: ['default/orders:80'] }))
  t.equal(sent.length, 1)
  clock.pass(ACK_DEADLINE_MS - 100)
  t.same(said, [])
  clock.pass(200)
  t.same(said, ['slow'])
})

t.test('groups of proxies: as many as the limit, and a place is free again when one has gone', async t => {
  const cache = new SnapshotCache(EMPTY_MODEL, () => [])
  const join = (namespace: string) => cache.join({ namespace, client: 'outrider' }, () => {})
  const all = Array.from({ length: MAX_GROUPS }, (_, i) => join(`n${i}`))
  t.ok(all.every(each => each !== null))
  t.equal(join('one-more'), null)
  t.not(join('n0'), null, 'a group that is there takes any number')
  all[1]?.leave()
  t.not(join('one-more'), null)
})

t.test('a stream that does not say who it is ends at its deadline; one that has said it does not', async t => {
  const clock = new HandClock()
  const limits = new LimitCounters()
  const ends: status[] = []
  const call = { from: '', send() {}, fail: (code: status) => void ends.push(code) }
  let closed = 0
  const handler = { received() {}, closed: () => void closed++ }
  const silent = expectFirst(handler, call, clock.wheel, limits)
  expectFirst(handler, call, clock.wheel, limits).received('hello')
  expectFirst(handler, call, clock.wheel, limits).closed()
  clock.pass(FIRST_MESSAGE_MS + 10)
  t.same(ends, [status.DEADLINE_EXCEEDED])
  t.equal(limits.of('xds_first_message'), 1)
  silent.closed()
  t.equal(closed, 2)
})

t.test('what a node says of itself is cut at its limits', async t => {
  const long = 'x'.repeat(10_000)
  const labels = Object.fromEntries(Array.from({ length: MAX_NODE_LABELS + 5 }, (_, i) => [`${i}-${long}`, long]))
  const node = { id: long, cluster: long, metadata: { namespace: long, build: long, labels }, userAgentVersionType: { case: undefined } }
  const read = nodeIdentity(node as unknown as Parameters<typeof nodeIdentity>[0])
  t.equal(read.id.length, MAX_NODE_ID)
  t.same(
    [read.service, read.namespace, read.build].map(each => each.length),
    [MAX_NODE_TEXT, MAX_NODE_TEXT, MAX_NODE_TEXT],
  )
  t.equal(Object.keys(read.labels).length, MAX_NODE_LABELS)
  t.ok(
    Object.entries(read.labels)
      .flat()
      .every(each => each.length <= MAX_NODE_TEXT),
  )
})

t.test('a registration has labels up to the limit', async t => {
  const hello = { nodeId: 'a', service: 'orders', namespace: '', port: 80, protocol: '', address: '', build: '', isAppReady: true }
  const said = (count: number) => {
    const labels = Object.fromEntries(Array.from({ length: count }, (_, i) => [`l${i}`, 'v']))
    return readHello({ ...hello, labels } as unknown as Parameters<typeof readHello>[0], '127.0.0.1')
  }
  t.type(said(MAX_LABELS), 'object')
  t.match(said(MAX_LABELS + 1), `at most ${MAX_LABELS}`)
})
