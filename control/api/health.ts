import type { FastifyInstance } from 'fastify'
import { KINDS } from '../model/document.ts'
import type { ApiOptions } from './options.ts'

/** `/ready`, `/live` and `/metrics` of the control plane itself. */
export function healthRoutes(app: FastifyInstance, options: ApiOptions): void {
  const answers = new Map<string, number>()
  app.addHook('onResponse', async (_request, reply) => {
    const statusClass = `${Math.floor(reply.statusCode / 100)}xx`
    answers.set(statusClass, (answers.get(statusClass) ?? 0) + 1)
  })
  const tags = ['health']
  app.get('/live', { schema: { summary: 'Is the process alive?', tags } }, async (_request, reply) =>
    reply.type('text/plain').send('live\n'),
  )
  app.get('/ready', { schema: { summary: 'Can it serve?', tags } }, async (_request, reply) => {
    // A read of the store: what cannot be read cannot be served.
    await options.store.list('Mesh', null)
    return reply.type('text/plain').send('ready\n')
  })
  app.get('/metrics', { schema: { summary: 'Prometheus text', tags } }, async (_request, reply) =>
    reply.type('text/plain; version=0.0.4; charset=utf-8').send(await metrics(options, answers)),
  )
}

type Sample = readonly [labels: string, value: number]

async function metrics(options: ApiOptions, answers: ReadonlyMap<string, number>): Promise<string> {
  const documents: Sample[] = []
  for (const kind of KINDS) documents.push([`{kind="${kind}"}`, (await options.store.list(kind, null)).length])
  const proxies = options.board.list()
  const connected = proxies.filter(proxy => proxy.isConnected)
  const inSync = connected.filter(proxy => proxy.inSync).length
  const refusing = connected.filter(proxy => !proxy.inSync && proxy.lastNack !== null).length
  return [
    metric('outrider_control_documents', 'gauge', 'Documents in the store.', documents),
    metric('outrider_control_revision', 'gauge', 'Revision of the documents.', [['', options.store.revision]]),
    metric('outrider_control_endpoints_registered', 'gauge', 'Leases of sidecars.', [['', (await options.leases()).length]]),
    metric('outrider_control_sidecars', 'gauge', 'Connected sidecars, by whether they run the present revision.', [
      ['{in_sync="true"}', inSync],
      ['{in_sync="false"}', connected.length - inSync],
    ]),
    metric('outrider_control_sidecars_refusing', 'gauge', 'Connected sidecars whose last answer was a NACK.', [['', refusing]]),
    metric(
      'outrider_control_limit_reached_total',
      'counter',
      'How often a limit of the control plane was reached; docs/limits.md has them all.',
      [...options.counters.all()].map(([limit, count]): Sample => [`{limit="${limit}"}`, count]),
    ),
    metric(
      'outrider_control_api_responses_total',
      'counter',
      'Answers of the control API.',
      [...answers].map(([statusClass, count]): Sample => [`{status_class="${statusClass}"}`, count]),
    ),
  ].join('')
}

function metric(name: string, type: string, help: string, samples: readonly Sample[]): string {
  return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${samples.map(([labels, value]) => `${name}${labels} ${value}\n`).join('')}`
}
