import t from 'tap'
import { Subscription } from '../../../../control/xds/subscription.ts'

t.test('a star asks for everything, explicitly', async t => {
  const subscription = new Subscription(false)
  t.same(subscription.change(['*'], []), { names: [], isWildcard: true })
  t.ok(subscription.wants('anything'))
  subscription.change([], ['*'])
  t.notOk(subscription.wants('anything'))
})

t.test('a first request without names asks for all listeners or clusters, and for no endpoints', async t => {
  const clusters = new Subscription(true)
  t.same(clusters.change([], []), { names: [], isWildcard: true })
  t.ok(clusters.wants('a'))
  const endpoints = new Subscription(false)
  t.same(endpoints.change([], []), { names: [], isWildcard: false })
  t.notOk(endpoints.wants('a'))
})

t.test('in delta a name beside the legacy wildcard leaves the wildcard in force', async t => {
  const subscription = new Subscription(true)
  subscription.change([], [])
  t.same(subscription.change(['a'], []), { names: ['a'], isWildcard: false })
  t.ok(subscription.wants('b'))
  t.same(subscription.change([], ['a']).names, ['a'], 'its state is told again: it is still wanted')
})

t.test('a name that is asked for again is answered again', async t => {
  const subscription = new Subscription(false)
  subscription.change(['a'], [])
  t.same(subscription.change(['a'], []).names, ['a'])
})

t.test('state of the world: each request is the whole list, and names end the legacy wildcard for good', async t => {
  const subscription = new Subscription(true)
  t.same(subscription.replace([]), { names: [], isWildcard: true })
  t.same(subscription.replace([]), { names: [], isWildcard: false }, 'an ACK')
  t.ok(subscription.wants('b'))
  t.same(subscription.replace(['a']).names, ['a'])
  t.notOk(subscription.wants('b'))
  subscription.replace([])
  t.notOk(subscription.wants('a'))
  t.notOk(subscription.wants('b'))
})
