import t from 'tap'
import { checkDocuments } from '../../../../control/model/check.ts'
import { buildModel, EMPTY_MODEL } from '../../../../control/model/model.ts'
import { parseDocuments } from '../../../../control/model/parse.ts'

/** The example by which the product is described: it applies as a whole. */
const EXAMPLE = `apiVersion: outrider.dev/v1
kind: Service
metadata: { name: orders }                     # namespace: default
spec:
  ports: [{ port: 80, protocol: http }]
  # one of three. Left out: the sidecars that registered with --service orders.
  endpoints: [{ address: 127.0.0.1, port: 8081, weight: 1, labels: { version: v1 } }]   # listed
  # dns: { name: orders.internal, port: 8080 }                                          # resolved
  # selector: { service: orders, version: v2 }
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: { name: orders }
spec:
  parentRefs: [{ group: "", kind: Service, name: orders }]          # the core Service in Kubernetes, ours elsewhere: the same file
  rules:
    - matches: [{ path: { type: PathPrefix, value: /api }, headers: [{ name: x-user, value: "7" }] }]
      timeouts: { request: 10s, backendRequest: 2s }
      retry: { codes: [502, 503, 504], attempts: 2, backoff: 25ms }
      backendRefs: [{ name: orders-v1, port: 80, weight: 90 }, { name: orders-v2, port: 80, weight: 10 }]
---
apiVersion: outrider.dev/v1
kind: TrafficPolicy
metadata: { name: orders }
spec:
  targetRefs: [{ group: "", kind: Service, name: orders }]
  loadBalancer: { policy: leastRequest }       # roundRobin, leastRequest, peakEwma, random, ringHash, maglev
  timeouts: { connect: 1s, request: 30s, idle: 5m }
  retry: { attempts: 2, perTryTimeout: 2s, on: [connect-failure, reset, gateway-error], budget: { percent: 20, minPerSecond: 1 } }
  circuitBreaker: { maxConnections: 1024, maxPending: 1024, maxRequests: 1024 }
---
apiVersion: outrider.dev/v1
kind: Mesh
metadata: { name: default }
spec:
  trustDomain: cluster.local
  mtls: { mode: permissive }                   # strict, permissive, disable (before the identity issue there is none)
  tracing: { samplingPercent: 1 }
  accessLog: { mode: errors, format: json }    # off, errors, all
  egress: { unknownHosts: allow }              # allow, deny
`

const registered = new Set(['default/orders-v1', 'default/orders-v2'])

t.test('the example of the product parses and checks without a fault', async t => {
  const { documents, faults } = parseDocuments(EXAMPLE, { file: 'example.yaml' })
  t.same(faults, [])
  t.equal(documents.length, 4)
  t.same(checkDocuments(documents, EMPTY_MODEL, { registered }).faults, [])
})

t.test('nothing in it is without effect', async t => {
  const { documents } = parseDocuments(EXAMPLE, { file: 'example.yaml' })
  t.same(
    checkDocuments(documents, EMPTY_MODEL, { registered }).warnings.map(({ line, path, message }) => `${line} ${path} ${message}`),
    [],
  )
})

t.test('it makes a model with one document of each kind', async t => {
  const { documents } = parseDocuments(EXAMPLE)
  const model = buildModel(
    documents.map(({ document }) => document),
    1,
  )
  t.match(model, {
    revision: 1,
    services: [{ metadata: { namespace: 'default' } }],
    httpRoutes: [{ kind: 'HTTPRoute' }],
    trafficPolicies: [{ kind: 'TrafficPolicy' }],
    mesh: { spec: { trustDomain: 'cluster.local' } },
  })
})
