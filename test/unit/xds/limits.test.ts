import { test } from 'tap'
import { Answers, cut, MAX_DEFERRED, MAX_NACK_LENGTH } from '../../../proxy/xds/answers.ts'
import { decodeCluster } from '../../../proxy/xds/cluster.ts'
import { decodeCopy } from '../../../proxy/xds/copy.ts'
import { Holdings } from '../../../proxy/xds/holdings.ts'
import { FIRST_BACKOFF_MS, MAX_BACKOFF_MS, Reconnect, STABLE_MS } from '../../../proxy/xds/reconnect.ts'
import { isAdopting, judge, parseSystemVersion } from '../../../proxy/xds/store-version.ts'
import { Subscription } from '../../../proxy/xds/subscription.ts'
import { HandClock } from '../../support/hand-clock.ts'
import { cluster } from '../../support/xds-resources.ts'

const resource = (name: string, called = name) => ({
  $typeName: 'envoy.service.discovery.v3.Resource' as const,
  name,
  version: '1',
  resource: cluster(called),
  aliases: [],
})

test('more resources of a type than the limit are refused, and those that are held stay', async t => {
  const holdings = new Holdings(decodeCluster, value => value.name, 2)
  t.strictSame(
    ['a', 'b'].map(each => holdings.take(resource(each))),
    [null, null],
  )
  t.equal(holdings.take(resource('c')), 'c: is one more than 2 of its type')
  t.equal(holdings.take(resource('a')), null)
  t.strictSame([...holdings.held.keys()], ['a', 'b'])
})

test('a resource that calls itself otherwise is refused', async t => {
  t.equal(new Holdings(decodeCluster, value => value.name).take(resource('a', 'b')), 'a: calls itself b')
})

test('what nobody asks for any more is forgotten', async t => {
  const holdings = new Holdings(decodeCluster, value => value.name)
  for (const name of ['a', 'b']) holdings.take(resource(name))
  holdings.remove('c')
  holdings.retain(new Set(['b']))
  t.strictSame([[...holdings.held.keys()], [...holdings.absent]], [['b'], []])
})

test('the text of a NACK is cut at its limit', async t => {
  t.equal(cut('x'.repeat(10)), 'x'.repeat(10))
  t.equal(cut('x'.repeat(MAX_NACK_LENGTH * 2)).length, MAX_NACK_LENGTH)
})

test('responses that wait for their snapshot are limited', async t => {
  const answers = new Answers()
  const subscription = new Subscription('type', ['*'])
  for (let nonce = 0; nonce < MAX_DEFERRED; nonce++) t.ok(answers.defer(subscription, `${nonce}`))
  t.notOk(answers.defer(subscription, 'one more'))
  t.equal(answers.settle(null).length, MAX_DEFERRED)
  t.equal(answers.settle(null).length, 0)
})

test('nothing asked for is not asked, since a request without names asks for everything', async t => {
  const subscription = new Subscription('type', [])
  t.equal(subscription.first(null, {}), null)
  t.match(subscription.want(new Set(['a', 'b'])), { resourceNamesSubscribe: ['a', 'b'], resourceNamesUnsubscribe: [] })
  t.match(subscription.want(new Set(['b', 'c'])), { resourceNamesSubscribe: ['c'], resourceNamesUnsubscribe: ['a'] })
  t.equal(subscription.want(new Set(['c', 'b'])), null)
})

test('the backoff doubles from half a second to 10 s, jittered, and a stream that lasted starts it anew', async t => {
  const clock = new HandClock()
  let connects = 0
  const random = { uint32: () => 0xffffffff }
  const reconnect = new Reconnect({ timers: clock.wheel, random, connect: () => connects++ })
  const waits = Array.from({ length: 9 }, () => Math.round(reconnect.ended()))
  t.strictSame(waits, [500, 1000, 2000, 4000, 8000, 10_000, 10_000, 10_000, 10_000])
  reconnect.opened()
  clock.pass(STABLE_MS - 100)
  t.equal(Math.round(reconnect.ended()), MAX_BACKOFF_MS, 'a short life does not count')
  clock.pass(MAX_BACKOFF_MS + 10)
  t.equal(connects, 1)
  reconnect.opened()
  clock.pass(STABLE_MS)
  t.equal(Math.round(reconnect.ended()), FIRST_BACKOFF_MS)
  reconnect.stop()
  clock.pass(MAX_BACKOFF_MS)
  t.equal(connects, 1)
})

test('a version is a store, a revision and a serial', async t => {
  t.strictSame(parseSystemVersion('abc/12/3'), { storeId: 'abc', revision: 12 })
  for (const text of ['', 'abc', 'abc/x/1', '/1/1', 'a b/1/1', `abc/${'9'.repeat(30)}/1`]) t.equal(parseSystemVersion(text), null, text)
})

test('only a control plane that says so adopts', async t => {
  const present = { storeId: 'a', revision: 5 }
  t.equal(judge(null, present, ''), null)
  t.equal(judge(present, { storeId: 'a', revision: 5 }, 'outrider a'), null)
  t.equal(judge(present, { storeId: 'b', revision: 9 }, 'outrider b'), 'foreign-store')
  t.equal(judge(present, { storeId: 'a', revision: 4 }, 'outrider a'), 'old-revision')
  t.equal(judge(present, { storeId: 'b', revision: 1 }, 'outrider b adopt'), null)
  t.notOk(isAdopting('outrider adopt'), 'a store of that name does not')
})

test('a copy whose content is cut short is none, and nothing is thrown', async t => {
  t.strictSame(decodeCopy(new Uint8Array()), [])
  for (const octets of [
    [0, 0, 0],
    [0, 0, 0, 9, 1],
    [0, 0, 0, 2, 255, 255],
  ])
    t.equal(decodeCopy(new Uint8Array(octets)), null)
})
