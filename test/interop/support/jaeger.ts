import { get } from 'node:http'
import type { Test } from 'tap'
import { freePort } from '../../../control/cli/free-port.ts'
import { type Running, until } from '../../support/e2e/process.ts'
import { startProcess } from './interop-mesh.ts'
import { jaegerProgram } from './tools.ts'

/** A span, as Jaeger's query API gives it. Times in microseconds. */
interface JaegerSpan {
  readonly traceID: string
  readonly spanID: string
  readonly operationName: string
  readonly references: readonly { readonly refType: string; readonly spanID: string }[]
  readonly startTime: number
  readonly duration: number
  readonly tags: readonly { readonly key: string; readonly value: string | number | boolean }[]
  readonly processID: string
}

/** A span with its service, and its parent by id. */
export interface Seen {
  readonly service: string
  readonly name: string
  readonly id: string
  /** Null: the first of its trace. */
  readonly parent: string | null
  readonly tags: Readonly<Record<string, string | number | boolean>>
  readonly process: Readonly<Record<string, string | number | boolean>>
  readonly startTime: number
  readonly duration: number
}

/** A real Jaeger, all in one process, all its listeners on free ports of this machine. */
export class Jaeger {
  readonly running: Running
  /** For `--otlp`, over gRPC. */
  readonly grpc: string
  /** For `--otlp`, over HTTP. */
  readonly http: string
  readonly #query: number

  private constructor(running: Running, ports: { grpc: number; http: number; query: number }) {
    this.running = running
    this.grpc = `http://127.0.0.1:${ports.grpc}`
    this.http = `http://127.0.0.1:${ports.http}/v1/traces`
    this.#query = ports.query
  }

  static async start(t: Test): Promise<Jaeger> {
    const flags = ['--memory.max-traces=10000', '--log-level=error']
    const listen = async (flag: string) => {
      const port = await freePort('127.0.0.1')
      flags.push(`--${flag}=127.0.0.1:${port}`)
      return port
    }
    const grpc = await listen('collector.otlp.grpc.host-port')
    const http = await listen('collector.otlp.http.host-port')
    const query = await listen('query.http-server.host-port')
    const admin = await listen('admin.http.host-port')
    const others = ['query.grpc-server', 'collector.grpc-server', 'collector.http-server', 'http-server']
    for (const flag of others) await listen(`${flag}.host-port`)
    const agent = ['processor.jaeger-compact', 'processor.jaeger-binary', 'processor.zipkin-compact']
    for (const flag of agent) flags.push(`--${flag}.server-host-port=127.0.0.1:0`)
    const running = startProcess(t, jaegerProgram(), flags)
    await until(
      'Jaeger is ready',
      async () => {
        if (running.exit !== null) throw new Error(`Jaeger ended: ${running.stderr}`)
        return (await askJson(admin, '/')) !== null
      },
      60_000,
    )
    return new Jaeger(running, { grpc, http, query })
  }

  /** The trace, once it has so many spans. */
  async trace(traceId: string, spans: number): Promise<readonly Seen[]> {
    let found: readonly Seen[] = []
    await until(`trace ${traceId} has ${spans} spans, not ${found.length}`, async () => {
      const answer = await askJson(this.#query, `/api/traces/${traceId}`)
      found = answer === null ? [] : seenOf(answer)
      return found.length >= spans
    })
    return found
  }

  /** Names of all services that have sent spans. */
  async services(): Promise<readonly string[]> {
    const answer = (await askJson(this.#query, '/api/services')) as { data: string[] | null } | null
    return answer?.data ?? []
  }
}

function seenOf(answer: unknown): readonly Seen[] {
  interface Trace {
    readonly spans: readonly JaegerSpan[]
    readonly processes: Readonly<Record<string, { readonly serviceName: string; readonly tags: JaegerSpan['tags'] }>>
  }
  const record = (tags: JaegerSpan['tags']) => Object.fromEntries(tags.map(({ key, value }) => [key, value]))
  const [trace] = (answer as { data?: readonly Trace[] }).data ?? []
  if (trace === undefined) return []
  return trace.spans.map(span => ({
    service: trace.processes[span.processID]?.serviceName ?? '',
    name: span.operationName,
    id: span.spanID,
    parent: span.references.find(({ refType }) => refType === 'CHILD_OF')?.spanID ?? null,
    tags: record(span.tags),
    process: record(trace.processes[span.processID]?.tags ?? []),
    startTime: span.startTime,
    duration: span.duration,
  }))
}

/** Null: it did not answer 200. */
function askJson(port: number, path: string): Promise<unknown> {
  return new Promise(resolve => {
    const sent = get({ host: '127.0.0.1', port, path, agent: false }, response => {
      let text = ''
      response.setEncoding('utf8').on('data', chunk => {
        text += chunk
      })
      response.once('end', () => resolve(response.statusCode === 200 ? JSON.parse(text) : null))
      response.once('error', () => resolve(null))
    })
    sent.once('error', () => resolve(null))
  })
}
