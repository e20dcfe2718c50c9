import type { Test } from 'tap'
import type { Document } from '../../control/model/document.ts'
import type { StoreLimits } from '../../control/store/limits.ts'
import type { Change, Lease, Store } from '../../control/store/store.ts'

/** A Service document whose spec holds a number that tests change. */
export function service(name: string, port = 80, namespace = 'default'): Document {
  return { apiVersion: 'outrider.dev/v1', kind: 'Service', metadata: { name, namespace }, spec: { ports: [{ port, protocol: 'http' }] } }
}

/** Puts a document whatever was there. */
export function put(document: Document, ifMatch: string | null = null): Change {
  return { op: 'put', document, ifMatch }
}

/** Deletes a Service of the namespace default. */
export function remove(name: string, ifMatch: string | null = null): Change {
  return { op: 'delete', kind: 'Service', namespace: 'default', name, ifMatch }
}

/** A registration of a sidecar. */
export function lease(node: string, port = 15006): Lease {
  return {
    node,
    service: 'orders',
    namespace: 'default',
    address: '127.0.0.1',
    port,
    protocol: 'http',
    labels: { service: 'orders' },
    isAppReady: true,
    isDraining: false,
    health: 'healthy',
    unhealthySince: null,
    registeredAt: 1,
    build: 'test',
  }
}

/** How a test gets a fresh store; the clock stands at `now`. */
export type MakeStore = (t: Test, options: { readonly limits?: Partial<StoreLimits>; readonly now?: () => number }) => Store

/** What every store does, whatever holds it. */
export function storeSuite(t: Test, make: MakeStore): void {
  t.test('a new store has an id, the revision 0 and nothing in it', async t => {
    const store = make(t, {})
    t.match(store.id, /^[0-9a-f-]{36}$/)
    t.equal(store.revision, 0)
    t.same(await store.list('Service', null), [])
    t.equal(await store.get('Service', 'default', 'orders'), null)
    t.same(await store.leases(), [])
  })

  t.test('two stores have different ids', async t => {
    t.not(make(t, {}).id, make(t, {}).id)
  })

  t.test('a put makes a document, and the store says when and at which revision', async t => {
    const store = make(t, { now: () => 0 })
    const result = await store.apply([put(service('orders'))])
    const stored = {
      ...service('orders'),
      metadata: { name: 'orders', namespace: 'default', resourceVersion: '1', creationTimestamp: '1970-01-01T00:00:00.000Z' },
    }
    t.same(result, { ok: true, revision: 1, results: [{ change: 'created', document: stored }] })
    t.same(await store.get('Service', 'default', 'orders'), stored)
    t.equal(store.revision, 1)
  })

  t.test('a second put changes it: new revision, old creation time', async t => {
    let now = 0
    const store = make(t, { now: () => now })
    await store.apply([put(service('orders'))])
    now = 5_000
    const result = await store.apply([put(service('orders', 81))])
    t.match(result, { revision: 2, results: [{ change: 'updated', document: { spec: { ports: [{ port: 81 }] } } }] })
    t.match(await store.get('Service', 'default', 'orders'), {
      metadata: { resourceVersion: '2', creationTimestamp: '1970-01-01T00:00:00.000Z' },
    })
  })

  t.test('an equal put changes nothing, and the revision stays', async t => {
    const store = make(t, {})
    await store.apply([put(service('orders'))])
    const stored = await store.get('Service', 'default', 'orders')
    t.match(await store.apply([put(service('orders'))]), { revision: 1, results: [{ change: 'unchanged' }] })
    t.match(await store.apply([put(stored!)]), { revision: 1, results: [{ change: 'unchanged' }] }, 'also as it was answered')
    t.same(await store.get('Service', 'default', 'orders'), stored)
  })

  t.test('a new label, annotation or origin is a change', async t => {
    const store = make(t, {})
    const metadata = { name: 'orders', namespace: 'default' }
    await store.apply([put(service('orders'))])
    await store.apply([put({ ...service('orders'), metadata: { ...metadata, labels: { a: 'b' } } })])
    t.equal(store.revision, 2)
    await store.apply([
      put({ ...service('orders'), metadata: { ...metadata, labels: { a: 'b' }, annotations: { 'outrider.dev/origin': 'a.yaml:1' } } }),
    ])
    t.equal(store.revision, 3)
    await store.apply([put({ ...service('orders'), metadata })])
    t.equal(store.revision, 4, 'and so is one that is gone')
  })

  t.test('a transaction of many changes makes one revision', async t => {
    const store = make(t, {})
    const result = await store.apply([put(service('a')), put(service('b')), remove('c')])
    t.match(result, { revision: 1, results: [{ change: 'created' }, { change: 'created' }, { change: 'absent', document: null }] })
    const [a, b] = await store.list('Service', null)
    t.same([a?.metadata.resourceVersion, b?.metadata.resourceVersion], ['1', '1'])
  })

  t.test('each change of a transaction sees those before it', async t => {
    const store = make(t, {})
    const result = await store.apply([put(service('a')), put(service('a')), put(service('a', 81)), remove('a'), put(service('a', 82), '0')])
    t.match(result, {
      ok: true,
      results: [{ change: 'created' }, { change: 'unchanged' }, { change: 'updated' }, { change: 'deleted' }, { change: 'created' }],
    })
    t.match(await store.get('Service', 'default', 'a'), { spec: { ports: [{ port: 82 }] } })
  })

  t.test('a delete answers what was there; a second one finds nothing and makes no revision', async t => {
    const store = make(t, {})
    await store.apply([put(service('orders'))])
    t.match(await store.apply([remove('orders')]), {
      revision: 2,
      results: [{ change: 'deleted', document: { metadata: { name: 'orders' } } }],
    })
    t.match(await store.apply([remove('orders')]), { revision: 2, results: [{ change: 'absent' }] })
    t.equal(await store.get('Service', 'default', 'orders'), null)
  })

  t.test('an ifMatch of another version is a conflict that names the change and shows the document', async t => {
    const store = make(t, {})
    await store.apply([put(service('orders'))])
    const result = await store.apply([put(service('web')), put(service('orders', 81), '7')])
    t.match(result, { ok: false, conflict: 1, present: { metadata: { resourceVersion: '1' } } })
    t.equal(store.revision, 1)
    t.equal(await store.get('Service', 'default', 'web'), null, 'nothing of it is done')
  })

  t.test('ifMatch: the present version may change, 0 must not exist, a version of nothing conflicts', async t => {
    const store = make(t, {})
    t.match(await store.apply([put(service('orders'), '3')]), { ok: false, conflict: 0, present: null })
    t.match(await store.apply([put(service('orders'), '0')]), { ok: true })
    t.match(await store.apply([put(service('orders'), '0')]), { ok: false })
    t.match(await store.apply([put(service('orders', 81), '1')]), { ok: true, revision: 2 })
    t.match(await store.apply([remove('orders', '1')]), { ok: false })
    t.match(await store.apply([remove('orders', '2')]), { ok: true, revision: 3 })
  })

  t.test('lists are of one kind, of one namespace or all, sorted by namespace and name', async t => {
    const store = make(t, {})
    await store.apply([put(service('b')), put(service('a')), put(service('c', 80, 'alpha'))])
    const names = async (namespace: string | null) =>
      (await store.list('Service', namespace)).map(({ metadata }) => `${metadata.namespace}/${metadata.name}`)
    t.same(await names(null), ['alpha/c', 'default/a', 'default/b'])
    t.same(await names('alpha'), ['alpha/c'])
    t.same(await store.list('HTTPRoute', null), [])
  })

  t.test('who watches hears of each change once, in order, after it is there', async t => {
    const store = make(t, {})
    const heard: number[] = []
    const stop = store.watch(revision => {
      t.equal(store.revision, revision)
      heard.push(revision)
    })
    await store.apply([put(service('a'))])
    await store.apply([put(service('a'))])
    await store.apply([put(service('b'), '9')])
    await store.apply([put(service('b'))])
    stop()
    await store.apply([put(service('c'))])
    t.same(heard, [1, 2])
  })

  t.test('what was given may change afterwards without changing the store', async t => {
    const store = make(t, {})
    const given = { ...service('a'), spec: { ports: [{ port: 80, protocol: 'http' }] } }
    await store.apply([put(given)])
    given.spec.ports[0]!.port = 99
    t.match(await store.get('Service', 'default', 'a'), { spec: { ports: [{ port: 80 }] } })
  })

  t.test('over the limit of documents nothing is stored, and what is there may change and go', async t => {
    const store = make(t, { limits: { maxDocuments: 2 } })
    await store.apply([put(service('a')), put(service('b'))])
    await t.rejects(store.apply([put(service('c'))]), { code: 'STORE_LIMIT' })
    t.equal(store.revision, 1)
    t.match(await store.apply([put(service('a', 8080))]), { ok: true })
    t.match(await store.apply([remove('a'), put(service('c'))]), { ok: true })
  })

  t.test('a document and all of them have a limit of octets', async t => {
    const store = make(t, { limits: { maxDocumentBytes: 400, maxTotalBytes: 500 } })
    const large = { ...service('large'), metadata: { name: 'large', namespace: 'default', annotations: { text: 'ä'.repeat(200) } } }
    await t.rejects(store.apply([put(large)]), { code: 'STORE_LIMIT', message: /a document may have 400/ })
    await store.apply([put(service('a')), put(service('b'))])
    await t.rejects(store.apply([put(service('c'))]), { code: 'STORE_LIMIT', message: /the store holds 500/ })
    t.match(await store.apply([remove('a'), put(service('c'))]), { ok: true })
  })

  t.test('leases are kept by node, the last word of each', async t => {
    const store = make(t, {})
    await Promise.all([store.putLease(lease('b')), store.putLease(lease('a', 1)), store.putLease(lease('a', 2))])
    t.same(await store.leases(), [lease('a', 2), lease('b')])
    t.equal(await store.leases(), await store.leases(), 'unchanged ones are the same list')
    await store.deleteLease('b')
    await store.deleteLease('nobody')
    t.same(await store.leases(), [lease('a', 2)])
    t.equal(store.revision, 0, 'they are no documents')
  })

  t.test('a lease that is deleted before it is written is gone', async t => {
    const store = make(t, {})
    await Promise.all([store.putLease(lease('a')), store.deleteLease('a')])
    t.same(await store.leases(), [])
  })

  t.test('over the limit of leases a new one is refused; those that are there go on', async t => {
    const store = make(t, { limits: { maxLeases: 2 } })
    const [, , third] = await Promise.allSettled([store.putLease(lease('a')), store.putLease(lease('b')), store.putLease(lease('c'))])
    t.match(third, { status: 'rejected', reason: { code: 'STORE_LIMIT' } })
    await store.putLease(lease('a', 9))
    await store.deleteLease('b')
    await store.putLease(lease('c'))
    t.same(await store.leases(), [lease('a', 9), lease('c')])
  })

  t.test('a closed store says so', async t => {
    const store = make(t, {})
    await store.close()
    await store.close()
    await t.rejects(store.apply([put(service('a'))]), { code: 'STORE_CLOSED' })
    await t.rejects(store.putLease(lease('a')), { code: 'STORE_CLOSED' })
  })
}
