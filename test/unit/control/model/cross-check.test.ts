import t from 'tap'
import { checkDocuments } from '../../../../control/model/check.ts'
import { buildModel, EMPTY_MODEL } from '../../../../control/model/model.ts'
import { parseDocuments } from '../../../../control/model/parse.ts'

/** Warnings of a text, as `path: message`; no faults may be there. */
function warningsOf(text: string, existing = '', registered: readonly string[] = []): string[] {
  const model = buildModel(
    parseDocuments(existing).documents.map(({ document }, index) => ({
      ...document,
      metadata: { ...document.metadata, creationTimestamp: `2026-01-01T00:00:0${index}.000Z` },
    })),
    1,
  )
  const { documents, faults } = parseDocuments(text)
  const checked = checkDocuments(documents, existing === '' ? EMPTY_MODEL : model, { registered: new Set(registered) })
  t.same([...faults, ...checked.faults], [])
  return checked.warnings.map(({ path, message }) => `${path}: ${message}`)
}

const service = (name: string, more = '') => `
---
apiVersion: outrider.dev/v1
kind: Service
metadata: { name: ${name} }
spec: { ports: [{ port: 80, name: web, protocol: http }]${more} }
`
const route = (name: string, rules: string, parent = 'name: orders') => `
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: { name: ${name} }
spec:
  parentRefs: [{ group: "", kind: Service, ${parent} }]
  rules: [${rules}]
`
const policy = (name: string, target: string, more = '') => `
---
apiVersion: outrider.dev/v1
kind: TrafficPolicy
metadata: { name: ${name} }
spec: { targetRefs: [{ ${target} }]${more} }
`
const TO_ORDERS = 'backendRefs: [{ name: orders, port: 80 }]'
const ORDERS = 'group: "", kind: Service, name: orders'

t.test('documents that fit each other give no warning, whichever is there first', async t => {
  const fitting = route('orders', `{ ${TO_ORDERS} }`) + policy('orders', ORDERS) + service('orders')
  t.same(warningsOf(fitting), [])
  t.same(warningsOf(route('orders', `{ ${TO_ORDERS} }`), service('orders')), [])
  t.same(warningsOf(route('orders', `{ ${TO_ORDERS} }`), '', ['default/orders']), [], 'a registered service needs no document')
})

t.test('references to services that nobody knows, with the nearest known one', async t => {
  t.same(warningsOf(route('orders', '{ backendRefs: [{ name: order, port: 80 }] }', 'name: web, namespace: shop'), service('orders')), [
    'spec.parentRefs[0].name: no Service shop/web is known: the route is not used until it is there',
    'spec.rules[0].backendRefs[0].name: no Service default/order is known, did you mean default/orders?: its share is answered 500',
  ])
})

t.test('references to ports and sections that are not there', async t => {
  t.same(
    warningsOf(route('orders', '{ backendRefs: [{ name: orders, port: 81 }] }', 'name: orders, sectionName: wob'), service('orders')),
    [
      'spec.parentRefs[0].sectionName: Service default/orders has no port wob: the route is not used until it is there',
      'spec.rules[0].backendRefs[0].port: Service default/orders has no port 81: its share is answered 500',
    ],
  )
  t.same(warningsOf(route('orders', '{ backendRefs: [{ name: orders, port: 8080 }] }'), '', ['default/orders']), [
    'spec.rules[0].backendRefs[0].port: Service default/orders has no port 8080: its share is answered 500',
  ])
  const toRule = policy('p', 'group: gateway.networking.k8s.io, kind: HTTPRoute, name: orders, sectionName: fast')
  t.same(warningsOf(toRule, service('orders') + route('orders', `{ name: slow, ${TO_ORDERS} }`)), [
    'spec.targetRefs[0].sectionName: HTTPRoute default/orders has no rule named fast: the policy is not used until it is there',
  ])
  t.same(warningsOf(toRule), ['spec.targetRefs[0].name: no HTTPRoute default/orders is known: the policy is not used until it is there'])
})

t.test('two policies of one target', async t => {
  t.same(warningsOf(policy('b', ORDERS), service('orders') + policy('a', ORDERS)), [
    'spec.targetRefs[0].name: TrafficPolicy default/a has the same target: of what both say, the older one holds',
  ])
  t.same(warningsOf(policy('b', `${ORDERS}, port: 80`), service('orders') + policy('a', ORDERS)), [], 'one of a port is more special')
})

t.test('a match that an earlier rule takes is never reached', async t => {
  const rules = `{ matches: [{ path: { value: /a } }, { headers: [{ name: X-A, value: b }] }], ${TO_ORDERS} },
    { matches: [{ path: { type: PathPrefix, value: /a/ } }], ${TO_ORDERS} },
    { matches: [{ path: { type: PathPrefix, value: / }, headers: [{ name: x-a, type: Exact, value: b }] }], ${TO_ORDERS} },
    { matches: [{ path: { type: Exact, value: /a } }], ${TO_ORDERS} }`
  t.same(warningsOf(route('orders', rules), service('orders')), [
    'spec.rules[1].matches[0]: is never reached: rules[0] has the same match',
    'spec.rules[2].matches[0]: is never reached: rules[0] has the same match',
  ])
  t.same(warningsOf(route('orders', `{ ${TO_ORDERS} }, { ${TO_ORDERS} }`), service('orders')), [
    'spec.rules[1]: is never reached: rules[0] has the same match',
  ])
})

t.test('a match that another route of the same parent has', async t => {
  const existing = service('orders') + service('web') + route('first', `{ ${TO_ORDERS} }`)
  t.same(warningsOf(route('second', `{ matches: [{ path: { value: / } }], ${TO_ORDERS} }`), existing), [
    'spec.rules[0].matches[0]: HTTPRoute default/first rules[0] has the same match: the older route holds',
  ])
  t.same(warningsOf(route('second', `{ ${TO_ORDERS} }`, 'name: web'), existing), [], 'another parent is another table')
})

t.test('a backoff of a rule that its policy does not let through', async t => {
  const ceiling = policy('orders', ORDERS, ', retry: { maxBackoff: 100ms }')
  t.same(warningsOf(route('orders', `{ retry: { backoff: 500ms }, ${TO_ORDERS} }`), service('orders') + ceiling), [
    'spec.rules[0].retry.backoff: is longer than maxBackoff, 100ms, of TrafficPolicy default/orders: no pause is longer than that',
  ])
  t.same(warningsOf(route('orders', `{ retry: { backoff: 100ms }, ${TO_ORDERS} }`), service('orders') + ceiling), [])
})

t.test('codes of a policy hold whatever its words are', async t => {
  t.same(warningsOf(policy('orders', ORDERS, ', retry: { on: [reset], codes: [429] }'), service('orders')), [])
})

t.test('numbers that contradict each other within a rule, a policy, and across both', async t => {
  const message = "3 tries of 1s and their backoffs take up to 3s100ms, longer than the request's 2s"
  t.same(warningsOf(route('orders', `{ timeouts: { request: 2s, backendRequest: 1s }, ${TO_ORDERS} }`), service('orders')), [
    `spec.rules[0].timeouts.request: ${message}`,
  ])
  t.same(warningsOf(policy('orders', ORDERS, ', timeouts: { request: 2s }, retry: { perTryTimeout: 1s }'), service('orders')), [
    `spec.timeouts.request: ${message}`,
  ])
  const perTry = policy('orders', ORDERS, ', retry: { perTryTimeout: 1s }')
  t.same(warningsOf(route('orders', `{ timeouts: { request: 2s }, ${TO_ORDERS} }`), service('orders') + perTry), [
    `spec.rules[0].timeouts: with the TrafficPolicy's numbers, ${message}`,
  ])
  t.same(warningsOf(route('orders', `{ timeouts: { request: 2s }, retry: { attempts: 0 }, ${TO_ORDERS} }`), service('orders') + perTry), [])
  t.same(
    warningsOf(route('orders', `{ timeouts: { request: 0s, backendRequest: 1s }, ${TO_ORDERS} }`), service('orders')),
    [],
    '0s is no limit',
  )
})

t.test('what has no effect: weights of 0, host names, a rule that answers nothing, a group left out', async t => {
  t.same(warningsOf(route('orders', '{ backendRefs: [{ name: orders, port: 80, weight: 0 }] }'), service('orders')), [
    'spec.rules[0].backendRefs: all weights are 0: none gets a request',
  ])
  t.same(warningsOf(route('orders', '{ }'), service('orders')), ['spec.rules[0].backendRefs: none: what matches is answered 500'])
  const text = route('orders', `{ ${TO_ORDERS} }`).replace('group: "", ', '').replace('  rules:', '  hostnames: [orders.example]\n  rules:')
  t.same(warningsOf(text, service('orders')), [
    'spec.parentRefs[0].group: is taken as "", which Kubernetes would not do',
    'spec.hostnames: is ignored where the parent is a Service (Gateway API for mesh)',
  ])
})

t.test('the nearest service is looked for a bounded number of times', async t => {
  const rules = Array.from(
    { length: 30 },
    (_, index) => `{ matches: [{ path: { value: /${index} } }], backendRefs: [{ name: orderz-${index}, port: 80 }] }`,
  )
  const registered = ['default/orders', ...Array.from({ length: 30 }, (_, index) => `default/orders-${index}`)]
  const warnings = warningsOf(route('orders', rules.join(', ')), '', registered)
  t.equal(warnings.length, 30)
  t.equal(warnings.filter(text => text.includes('did you mean')).length, 20)
})
