import { request } from 'node:http'
import type { ApiLimits } from '../../../control/api/limits.ts'
import { loadModel } from '../../../control/api/reading.ts'
import { startApi } from '../../../control/api/server.ts'
import { MemoryStore } from '../../../control/store/memory.ts'
import type { NodeGroup } from '../../../control/translate/resources.ts'
import type { View } from '../../../control/translate/tables.ts'
import { viewFor } from '../../../control/translate/view.ts'
import { LimitCounters } from '../../../control/xds/counters.ts'
import type { FailureQuestion } from '../../../control/xds/observation.ts'
import type { ProxyStatus } from '../../../control/xds/status.ts'

export interface Answer {
  readonly status: number
  readonly headers: Record<string, string | string[] | undefined>
  readonly text: string
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers freely
  readonly json: any
}

/** A control API over real HTTP with the memory store; the test says which sidecars there are. */
export class RunningApi {
  readonly store = new MemoryStore()
  proxies: ProxyStatus[] = []
  warnings: string[] = []
  /** What each sidecar has kept, and those that do not answer; null: too many questions are under way. */
  failures = new Map<string, readonly object[]>()
  silent: string[] | null = []
  questions: FailureQuestion[] = []
  settledCalls: number[] = []
  /** How long a wait for a revision lasts. */
  settling: () => Promise<void> = async () => {}
  readonly logged: string[] = []
  readonly counters = new LimitCounters()
  limits: Partial<ApiLimits> = {}
  jaeger: URL | null = null
  #port = 0
  #view: View | null = null
  #close: () => Promise<void> = async () => {}

  async start(): Promise<this> {
    const api = await startApi({
      store: this.store,
      board: {
        list: () => this.proxies,
        settled: async revision => {
          this.settledCalls.push(revision)
          await this.settling()
          return this.proxies
        },
      },
      address: { host: '127.0.0.1', port: 0 },
      view: () => this.#view as View,
      leases: () => this.store.leases(),
      jaeger: this.jaeger,
      failures: async (question, take) => {
        this.questions.push(question)
        for (const [node, records] of this.failures)
          take(node, { records: records.map(each => Buffer.from(JSON.stringify(each))), omitted: 0 })
        return this.silent
      },
      counters: this.counters,
      limits: this.limits,
      warnings: this.warnings,
      version: '1.2.3',
      log: (_level, text) => this.logged.push(text),
    })
    this.#port = api.address.port
    this.#close = () => api.close()
    return this
  }

  get base(): string {
    return `http://127.0.0.1:${this.#port}`
  }

  /** What the sidecars of a group are told, from what the store holds now. */
  async look(group: NodeGroup = { namespace: 'default', client: 'outrider' }): Promise<void> {
    this.#view = viewFor(await loadModel(this.store), await this.store.leases(), group)
  }

  call(method: string, path: string, body: unknown = null, headers: Record<string, string> = {}): Promise<Answer> {
    const type = body === null ? {} : { 'content-type': typeof body === 'string' ? 'application/yaml' : 'application/json' }
    return new Promise((resolve, reject) => {
      const sent = request(`${this.base}${path}`, { method, agent: false, headers: { ...type, ...headers } }, response => {
        let text = ''
        response.setEncoding('utf8').on('data', chunk => {
          text += chunk
        })
        response.on('end', () => {
          const isJson = String(response.headers['content-type']).includes('json')
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            text,
            json: isJson && text !== '' ? JSON.parse(text) : null,
          })
        })
      })
      sent.on('error', reject)
      sent.end(body === null ? undefined : typeof body === 'string' ? body : JSON.stringify(body))
    })
  }

  async stop(): Promise<void> {
    await this.#close()
    await this.store.close()
  }
}

export function service(name: string, more: object = {}) {
  return {
    apiVersion: 'outrider.dev/v1',
    kind: 'Service',
    metadata: { name },
    spec: { ports: [{ port: 80, protocol: 'http' }], endpoints: [{ address: '127.0.0.1', port: 8081 }] },
    ...more,
  }
}

export function route(name: string, to: string, path = '/', more: object = {}) {
  return {
    apiVersion: 'gateway.networking.k8s.io/v1',
    kind: 'HTTPRoute',
    metadata: { name },
    spec: {
      parentRefs: [{ group: '', kind: 'Service', name: to }],
      rules: [{ matches: [{ path: { type: 'PathPrefix', value: path } }], backendRefs: [{ name: to, port: 80 }], ...more }],
    },
  }
}

export function proxy(id: string, version: number, more: Partial<ProxyStatus> = {}): ProxyStatus {
  return {
    id,
    service: 'web',
    namespace: 'default',
    labels: {},
    address: '127.0.0.1:15006',
    version: String(version),
    inSync: true,
    isConnected: true,
    since: '2026-01-01T00:00:00.000Z',
    lastNack: null,
    build: 'test',
    warnings: [],
    ...more,
  }
}
