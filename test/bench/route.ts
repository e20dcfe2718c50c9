import v8 from 'node:v8'
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

function round(value: number): number {
  return Math.round(value * 100) / 100
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

/** Ours beside V8's own engines: the linear one behind a flag, and the backtracking one, which is none for patterns that operators write. */
function pattern(source: string, text: string): Record<string, number> {
  const regex = compileRegex(source)
  const linear = new RegExp(`^(?:${source})$`, 'l')
  const backtracking = new RegExp(`^(?:${source})$`)
  if (!regex.ok || !regex.test(text) || !linear.test(text)) throw new Error(`${source} does not match ${text}`)
  return {
    ours: round(nanoseconds(20_000, () => regex.test(text))),
    v8_linear: round(nanoseconds(20_000, () => linear.test(text))),
    v8_backtracking: round(nanoseconds(20_000, () => backtracking.test(text))),
  }
}

/** The slowest kind of pattern that is accepted, on the longest target: ms. */
function worstPattern(): number {
  const regex = compileRegex('/(a|b)*a(a|b){300}c')
  if (!regex.ok) throw new Error(regex.message)
  let bits = 1
  let text = '/'
  for (let i = 0; i < 16_000; i++) {
    bits = (Math.imul(bits, 1_103_515_245) + 12_345) >>> 0
    text += (bits & 65_536) === 0 ? 'a' : 'b'
  }
  const start = process.hrtime.bigint()
  regex.test(text)
  return Number(process.hrtime.bigint() - start) / 1e6
}

function built(count: number): number {
  const start = process.hrtime.bigint()
  tableOf(count).find('orders', head('/none'))
  return Number(process.hrtime.bigint() - start) / 1e6
}

v8.setFlagsFromString('--enable-experimental-regexp-engine')
const ten = lookup(10)
const tenThousand = lookup(10_000)
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
        segments: pattern('/api/v[0-9]+/orders/[^/]+', '/api/v12/orders/abc-123'),
        suffix: pattern('.*\\.(?:png|jpg|css|js)', '/static/assets/deep/path/file.min.js'),
        names: pattern('/users/[a-z0-9-]+/(?:profile|settings)', '/users/john-doe-42/settings'),
      },
      worst_pattern_ms: round(worstPattern()),
      build_ms: { routes_10000: round(built(10_000)) },
    },
    null,
    2,
  )}\n`,
)
