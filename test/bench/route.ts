import { FieldList } from '../../proxy/http/fields.ts'
import type { RequestHead } from '../../proxy/http/head.ts'
import { normalisePath } from '../../proxy/route/normalise.ts'
import { compileRegex } from '../../proxy/route/regex.ts'
import { DEFAULT_TIMEOUTS, type PathMatch, type Route, type RouteEntry } from '../../proxy/route/route.ts'
import { RouteTable } from '../../proxy/route/table.ts'

/**
 * What routing costs a request: `node test/bench/route.ts`.
 * Requests walk over all routes of the table, so that 10,000 routes do not profit from one that stays in the processor's cache.
 */
const ROUNDS = 7
const LOOKUPS = 300_000

function entry(path: PathMatch): RouteEntry {
  const route: Route = {
    name: path.value,
    origin: '',
    origins: {},
    action: { kind: 'forward', clusters: [] },
    modifiers: null,
    timeouts: DEFAULT_TIMEOUTS,
    retry: null,
  }
  return { match: { path, method: null, headers: [], query: [] }, route }
}

function head(path: string): RequestHead {
  return {
    method: 'GET',
    scheme: 'http',
    authority: 'orders.default.svc.cluster.local',
    path,
    protocol: 'HTTP/1.1',
    upgrade: null,
    trailersAccepted: false,
    isAbsoluteForm: false,
    headers: new FieldList([['user-agent', 'bench']]),
  }
}

/** Half exact paths, half prefixes, and a rule for all the rest. */
function tableOf(count: number): RouteTable {
  const routes = Array.from({ length: count - 1 }, (_, i) =>
    entry(i % 2 === 0 ? { kind: 'exact', value: `/api/v1/orders/${i}` } : { kind: 'prefix', value: `/api/v1/users/${i}` }),
  )
  routes.push(entry({ kind: 'prefix', value: '/' }))
  return new RouteTable([
    { name: 'orders', domains: ['orders', 'orders.default.svc.cluster.local'], routes },
    { name: 'any', domains: ['*'], routes: [] },
  ])
}

function requestsTo(count: number): readonly RequestHead[] {
  return Array.from({ length: 1_000 }, (_, i) => {
    const route = (i * 7919) % (count - 1)
    return head(route % 2 === 0 ? `/api/v1/orders/${route}` : `/api/v1/users/${route}/items?page=2`)
  })
}

/** Best of the rounds, ns a call: what disturbs a measurement only makes it longer. */
function nanoseconds(calls: number, run: (index: number) => void): number {
  let best = Number.POSITIVE_INFINITY
  for (let round = 0; round < ROUNDS; round++) {
    const start = process.hrtime.bigint()
    for (let i = 0; i < calls; i++) run(i)
    best = Math.min(best, Number(process.hrtime.bigint() - start) / calls)
  }
  return best
}

function lookup(count: number): number {
  const table = tableOf(count)
  const requests = requestsTo(count)
  let missed = 0
  const cost = nanoseconds(LOOKUPS, i => {
    const request = requests[i % requests.length] as RequestHead
    if (!table.find(request.authority, request).ok) missed++
  })
  if (missed > 0) throw new Error(`${missed} look-ups found nothing`)
  return cost
}

function normalising(path: string): number {
  return nanoseconds(LOOKUPS, () => normalisePath(path))
}

function pattern(source: string, text: string): number {
  const regex = compileRegex(source)
  if (!regex.ok || !regex.test(text)) throw new Error(`${source} does not match ${text}`)
  return nanoseconds(20_000, () => regex.test(text))
}

function built(count: number): number {
  const start = process.hrtime.bigint()
  tableOf(count).find('orders', head('/none'))
  return Number(process.hrtime.bigint() - start) / 1e6
}

const ten = lookup(10)
const tenThousand = lookup(10_000)
const round = (value: number) => Math.round(value * 100) / 100
process.stdout.write(
  `${JSON.stringify(
    {
      node: process.version,
      lookup_ns: { routes_10: round(ten), routes_10000: round(tenThousand), ratio: round(tenThousand / ten) },
      normalise_ns: {
        plain: round(normalising('/api/v1/orders/42?expand=items')),
        dots: round(normalising('/api/./v1/../orders/42?expand=items')),
        escapes: round(normalising('/api/v1/%7Eorders/caf%c3%a9')),
      },
      pattern_ns: {
        segments: round(pattern('/api/v[0-9]+/orders/[^/]+', '/api/v12/orders/abc-123')),
        suffix: round(pattern('.*\\.(?:png|jpg|css|js)', '/static/assets/deep/path/file.min.js')),
      },
      build_ms: { routes_10000: round(built(10_000)) },
    },
    null,
    2,
  )}\n`,
)
