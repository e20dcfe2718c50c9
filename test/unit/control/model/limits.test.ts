import t from 'tap'
import { checkDocuments } from '../../../../control/model/check.ts'
import { MAX_DURATION_MS } from '../../../../control/model/duration.ts'
import { MAX_MODIFIED } from '../../../../control/model/http-filter.ts'
import { MAX_CONDITIONS, MAX_PATH_LENGTH } from '../../../../control/model/http-match.ts'
import { MAX_ATTEMPTS, MAX_BACKENDS, MAX_MATCHES, MAX_PARENTS, MAX_RETRY_CODES, MAX_RULES } from '../../../../control/model/http-route.ts'
import { MAX_DEPTH } from '../../../../control/model/json-source.ts'
import { MAX_UPGRADES } from '../../../../control/model/mesh.ts'
import { MAX_LABELS } from '../../../../control/model/metadata.ts'
import { EMPTY_MODEL } from '../../../../control/model/model.ts'
import { MAX_ALIASES, MAX_DOCUMENT_LENGTH, parseDocuments } from '../../../../control/model/parse.ts'
import { MAX_LISTED_ENDPOINTS, MAX_PORTS, MAX_WEIGHT } from '../../../../control/model/service.ts'
import { MAX_TARGETS, MAX_THRESHOLD } from '../../../../control/model/traffic-policy.ts'

const registered = new Set(['default/orders'])

function faultsOf(document: object): { path: string; message: string }[] {
  const parsed = parseDocuments(JSON.stringify(document))
  return [...parsed.faults, ...checkDocuments(parsed.documents, EMPTY_MODEL, { registered }).faults].map(({ path, message }) => ({
    path,
    message,
  }))
}

const times = <T>(count: number, make: (index: number) => T): T[] => Array.from({ length: count }, (_, index) => make(index))
const parent = (i = 0) => ({ group: '', kind: 'Service', name: i === 0 ? 'orders' : `o${i}` })
const backend = (i = 0) => ({ name: i === 0 ? 'orders' : `o${i}`, port: 80 })

const route = (spec: object) => ({
  apiVersion: 'gateway.networking.k8s.io/v1',
  kind: 'HTTPRoute',
  metadata: { name: 'r' },
  spec: { parentRefs: [parent()], ...spec },
})
const rule = (fields: object) => route({ rules: [{ backendRefs: [backend()], ...fields }] })
const match = (fields: object) => rule({ matches: [fields] })
const service = (spec: object, metadata: object = {}) => ({
  apiVersion: 'outrider.dev/v1',
  kind: 'Service',
  metadata: { name: 'orders', ...metadata },
  spec: { ports: [{ port: 80, protocol: 'http' }], ...spec },
})
const policy = (spec: object) => ({
  apiVersion: 'outrider.dev/v1',
  kind: 'TrafficPolicy',
  metadata: { name: 'p' },
  spec: { targetRefs: [parent()], ...spec },
})
const mesh = (spec: object) => ({ apiVersion: 'outrider.dev/v1', kind: 'Mesh', metadata: { name: 'default' }, spec })
const names = (count: number) => times(count, i => ({ name: `x-n${i}`, value: 'v' }))

const AMOUNTS: readonly [what: string, limit: number, path: string, make: (count: number) => object][] = [
  [
    'rules of a route',
    MAX_RULES,
    'spec.rules',
    n => route({ rules: times(n, i => ({ matches: [{ path: { type: 'Exact', value: `/p${i}` } }], backendRefs: [backend()] })) }),
  ],
  [
    'matches of a rule',
    MAX_MATCHES,
    'spec.rules[0].matches',
    n => rule({ matches: times(n, i => ({ path: { type: 'Exact', value: `/p${i}` } })) }),
  ],
  [
    'parents of a route',
    MAX_PARENTS,
    'spec.parentRefs',
    n => route({ parentRefs: times(n, parent), rules: [{ backendRefs: [backend()] }] }),
  ],
  ['backends of a rule', MAX_BACKENDS, 'spec.rules[0].backendRefs', n => rule({ backendRefs: times(n, backend) })],
  ['header conditions of a match', MAX_CONDITIONS, 'spec.rules[0].matches[0].headers', n => match({ headers: names(n) })],
  ['query conditions of a match', MAX_CONDITIONS, 'spec.rules[0].matches[0].queryParams', n => match({ queryParams: names(n) })],
  [
    'characters of a path',
    MAX_PATH_LENGTH,
    'spec.rules[0].matches[0].path.value',
    n => match({ path: { type: 'Exact', value: `/${'a'.repeat(n - 1)}` } }),
  ],
  ['retries', MAX_ATTEMPTS, 'spec.rules[0].retry.attempts', n => rule({ retry: { attempts: n } })],
  ['codes of a retry', MAX_RETRY_CODES, 'spec.rules[0].retry.codes', n => rule({ retry: { codes: times(n, i => 500 + i) } })],
  [
    'fields that a filter sets',
    MAX_MODIFIED,
    'spec.rules[0].filters[0].requestHeaderModifier.set',
    n => rule({ filters: [{ type: 'RequestHeaderModifier', requestHeaderModifier: { set: names(n) } }] }),
  ],
  ['weight of a backend', MAX_WEIGHT, 'spec.rules[0].backendRefs[0].weight', n => rule({ backendRefs: [{ ...backend(), weight: n }] })],
  ['ports of a service', MAX_PORTS, 'spec.ports', n => service({ ports: times(n, i => ({ port: 80 + i, protocol: 'http' })) })],
  [
    'endpoints of a service',
    MAX_LISTED_ENDPOINTS,
    'spec.endpoints',
    n => service({ endpoints: times(n, i => ({ address: '10.0.0.1', port: 1_000 + i })) }),
  ],
  ['labels of a document', MAX_LABELS, 'metadata.labels', n => service({}, { labels: Object.fromEntries(times(n, i => [`l${i}`, 'v'])) })],
  ['targets of a policy', MAX_TARGETS, 'spec.targetRefs', n => policy({ targetRefs: times(n, parent) })],
  [
    'a threshold of the circuit breaker',
    MAX_THRESHOLD,
    'spec.circuitBreaker.maxPending',
    n => policy({ circuitBreaker: { maxPending: n } }),
  ],
  ['upgrades of the mesh', MAX_UPGRADES, 'spec.upgrades', n => mesh({ upgrades: times(n, i => `u${i}`) })],
]

for (const [what, limit, path, make] of AMOUNTS) {
  t.test(`${what}: ${limit} pass, one more is refused with its place`, async t => {
    t.same(faultsOf(make(limit)), [])
    const faults = faultsOf(make(limit + 1))
    t.equal(faults.length, 1)
    t.equal(faults[0]?.path, path)
  })
}

t.test('a duration is at most what a timer can wait', async t => {
  const hours = Math.floor(MAX_DURATION_MS / 3_600_000)
  t.same(faultsOf(rule({ timeouts: { request: `${hours}h` } })), [])
  t.match(faultsOf(rule({ timeouts: { request: `${hours + 1}h` } })), [
    { path: 'spec.rules[0].timeouts.request', message: /longer than 596h/ },
  ])
})

t.test('the depth, the length and the aliases of a document are limited, in JSON and in YAML', async t => {
  const nested = (depth: number) => `${'['.repeat(depth)}1${']'.repeat(depth)}`
  t.match(parseDocuments(nested(MAX_DEPTH + 2)).faults, [{ message: `is nested deeper than ${MAX_DEPTH} levels` }])
  const long = service({}, { annotations: { a: 'x'.repeat(MAX_DOCUMENT_LENGTH) } })
  t.match(parseDocuments(JSON.stringify(long)).faults, [{ message: 'the document is too large' }])
  const aliases = `kind: Service\nmetadata: { name: a, annotations: &a { x: y } }\nspec: [${'*a, '.repeat(MAX_ALIASES + 1)}]\n`
  t.ok(parseDocuments(aliases).faults.some(each => each.message === 'aliases are expanded too often'))
})
