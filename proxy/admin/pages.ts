import type { FailureQuery } from '../telemetry/failure-record.ts'
import { failuresPage } from './failures-page.ts'
import type { Page, Route } from './server.ts'

/** Log levels that `/logging` takes. */
export const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const
export type LogLevel = (typeof LOG_LEVELS)[number]

/** One half of readiness; see proxy/readiness.ts. */
interface Part {
  readonly isReady: boolean
  readonly reason: string
}

/** A request as `/explain` is asked about it. */
export interface ExplainRequest {
  readonly method: string
  readonly authority: string
  readonly path: string
  readonly headers: readonly (readonly [string, string])[]
}

/** What the pages show and do; the composition root gives it. */
export interface AdminSource {
  readiness(): { readonly outbound: Part; readonly inbound: Part }
  stats(): unknown
  /** The page of a scrape, in the format that `accept` prefers. */
  metrics(accept: string): Promise<{ readonly contentType: string; readonly text: string }>
  clusters(): unknown
  configDump(): unknown
  explain(request: ExplainRequest): unknown
  failures(query: FailureQuery): readonly unknown[]
  readonly logLevel: LogLevel
  setLogLevel(level: LogLevel): void
  drain(): void
  quit(): void
}

/** `/ready`, `/ready/inbound`, `/live` and `/metrics`: all that the health port shows. */
export function healthRoutes(source: Pick<AdminSource, 'readiness' | 'metrics'>): Route[] {
  return [
    {
      method: 'GET',
      path: '/ready',
      summary: 'can the app send? 200 once there is a configuration',
      handle: () => readyPage(source, 'outbound'),
    },
    {
      method: 'GET',
      path: '/ready/inbound',
      summary: 'can peers send? 200 once the app answers too',
      handle: () => readyPage(source, 'inbound'),
    },
    { method: 'GET', path: '/live', summary: 'is the process alive?', handle: () => ({ status: 200, body: 'live\n' }) },
    { method: 'GET', path: '/metrics', summary: 'for Prometheus', handle: (_url, accept) => metricsPage(source, accept) },
  ]
}

/** All pages of the admin port. */
export function adminRoutes(source: AdminSource): Route[] {
  return [
    ...healthRoutes(source),
    { method: 'GET', path: '/stats', summary: 'counters and limits', handle: () => ({ status: 200, body: source.stats() }) },
    {
      method: 'GET',
      path: '/clusters',
      summary: 'clusters, endpoints and their state',
      handle: () => ({ status: 200, body: source.clusters() }),
    },
    {
      method: 'GET',
      path: '/config_dump',
      summary: 'the configuration in force',
      handle: () => ({ status: 200, body: source.configDump() }),
    },
    {
      method: 'GET',
      path: '/explain',
      summary: 'where a request would go: ?method=&url=&header=Name:value',
      handle: url => explainPage(source, url),
    },
    {
      method: 'GET',
      path: '/failures',
      summary: 'the last failed requests, and why: ?id=&last=&service=&namespace=',
      handle: url => failuresPage(query => source.failures(query), url),
    },
    { method: 'GET', path: '/logging', summary: 'the log level', handle: () => ({ status: 200, body: `${source.logLevel}\n` }) },
    {
      method: 'POST',
      path: '/logging',
      summary: `set the log level: ?level=${LOG_LEVELS.join('|')}`,
      handle: url => loggingPage(source, url),
    },
    { method: 'POST', path: '/drain', summary: 'leave gracefully, as on SIGTERM', handle: () => act(() => source.drain(), 'draining') },
    { method: 'POST', path: '/quitquitquit', summary: 'end at once', handle: () => act(() => source.quit(), 'quitting') },
  ]
}

function readyPage(source: Pick<AdminSource, 'readiness'>, which: 'outbound' | 'inbound'): Page {
  const readiness = source.readiness()
  const lines = (['outbound', 'inbound'] as const).map(name => `${name}: ${readiness[name].isReady ? 'ready' : readiness[name].reason}`)
  return { status: readiness[which].isReady ? 200 : 503, body: `${lines.join('\n')}\n` }
}

async function metricsPage(source: Pick<AdminSource, 'metrics'>, accept: string): Promise<Page> {
  const { contentType, text } = await source.metrics(accept)
  return { status: 200, body: text, contentType }
}

function explainPage(source: AdminSource, query: URL): Page {
  const raw = query.searchParams.get('url')
  if (raw === null) return { status: 400, body: 'url is missing; such as ?url=http://orders/api/1\n' }
  if (!URL.canParse(raw) || !/^https?:/.test(raw))
    return { status: 400, body: `url ${JSON.stringify(raw)} is not an http URL; such as http://orders/api/1\n` }
  const headers: [string, string][] = []
  for (const line of query.searchParams.getAll('header')) {
    const colon = line.indexOf(':')
    if (colon < 1) return { status: 400, body: `header ${JSON.stringify(line)} is not NAME:VALUE\n` }
    headers.push([line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim()])
  }
  // The path as it was written: a parsed URL has lost its dot segments, which are what somebody may ask about.
  const [, authority = '', path = ''] = /^https?:\/\/([^/?#]+)([^#]*)/.exec(raw) ?? []
  const method = query.searchParams.get('method') ?? 'GET'
  return { status: 200, body: source.explain({ method, authority, path: path.startsWith('/') ? path : `/${path}`, headers }) }
}

function loggingPage(source: AdminSource, url: URL): Page {
  const level = url.searchParams.get('level') ?? ''
  const known = LOG_LEVELS.find(each => each === level)
  if (known === undefined) return { status: 400, body: `level ${JSON.stringify(level)} is not one of ${LOG_LEVELS.join(', ')}\n` }
  source.setLogLevel(known)
  return { status: 200, body: `${known}\n` }
}

function act(what: () => void, said: string): Page {
  what()
  return { status: 200, body: `${said}\n` }
}
