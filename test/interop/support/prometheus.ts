import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Test } from 'tap'
import { until } from '../../support/e2e/process.ts'
import { startProcess } from './interop-mesh.ts'

/** What `promtool check metrics` says of a page in the text format. Code 0: nothing. */
export function checkMetrics(page: string): Promise<{ readonly code: number | null; readonly said: string }> {
  return new Promise((resolve, reject) => {
    const promtool = spawn('promtool', ['check', 'metrics'])
    let said = ''
    for (const stream of [promtool.stdout, promtool.stderr]) {
      stream.setEncoding('utf8').on('data', text => {
        said += text
      })
    }
    promtool.once('error', error => reject(new Error(`promtool cannot be run (test/interop/install.sh brings it): ${error.message}`)))
    promtool.once('close', code => resolve({ code, said }))
    promtool.stdin.end(page)
  })
}

/** One series of an answer, with its present value. */
export interface Series {
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

/** A Prometheus that scrapes every second, with its own storage, which goes with the test. */
export class Prometheus {
  readonly #url: string

  private constructor(url: string) {
    this.#url = url
  }

  /** @param targets `HOST:PORT` by the name of their job. */
  static async start(t: Test, targets: Readonly<Record<string, string>>): Promise<Prometheus> {
    const folder = mkdtempSync(join(tmpdir(), 'outrider-prometheus-'))
    t.teardown(() => rmSync(folder, { recursive: true, force: true }))
    const jobs = Object.entries(targets).map(([job, target]) => ({ job_name: job, static_configs: [{ targets: [target] }] }))
    // JSON is YAML.
    writeFileSync(join(folder, 'prometheus.yml'), JSON.stringify({ global: { scrape_interval: '1s' }, scrape_configs: jobs }))
    const server = startProcess(t, 'prometheus', [
      `--config.file=${join(folder, 'prometheus.yml')}`,
      `--storage.tsdb.path=${join(folder, 'data')}`,
      '--web.listen-address=127.0.0.1:0',
    ])
    const listening = /msg="Listening on" address=(\S+)/
    await until('Prometheus listens', () => {
      if (server.exit !== null) throw new Error(`Prometheus ended: ${server.stderr}`)
      return listening.test(server.stderr)
    })
    return new Prometheus(`http://${listening.exec(server.stderr)?.[1]}`)
  }

  /** The present values of an expression. */
  async query(expression: string): Promise<Series[]> {
    const result = (await this.#get('query', { query: expression })) as {
      result: { metric: Record<string, string>; value: [number, string] }[]
    }
    return result.result.map(({ metric, value }) => ({ labels: metric, value: Number(value[1]) }))
  }

  /** The one value of an expression; null: there is none, or there are several. */
  async value(expression: string): Promise<number | null> {
    const [only, ...more] = await this.query(expression)
    return only === undefined || more.length > 0 ? null : only.value
  }

  /** Waits for a value. */
  async untilValue(expression: string, isIt: (value: number) => boolean): Promise<void> {
    let last: number | null = null
    await until(`${expression} is as wanted`, async () => {
      last = await this.value(expression)
      return last !== null && isIt(last)
    }).catch(error => Promise.reject(new Error(`${error.message}; it was ${last}`)))
  }

  /** Types of metrics by their families' names, as a target's page said them. */
  async types(job: string): Promise<ReadonlyMap<string, string>> {
    const data = (await this.#get('targets/metadata', { match_target: `{job="${job}"}` })) as { metric: string; type: string }[]
    return new Map(data.map(({ metric, type }) => [metric, type]))
  }

  async #get(path: string, parameters: Record<string, string>): Promise<unknown> {
    const response = await fetch(`${this.#url}/api/v1/${path}?${new URLSearchParams(parameters)}`)
    const { status, data, error } = (await response.json()) as { status: string; data: unknown; error?: string }
    if (status !== 'success') throw new Error(`Prometheus answered ${error}`)
    return data
  }
}
