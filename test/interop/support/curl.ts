import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Test } from 'tap'

/** How curl uses the sidecar: as the server, as `http_proxy`, or by a CONNECT tunnel. */
export type CurlMode = 'host' | 'proxy' | 'connect'

/** A final answer, with the statuses of those before it. */
export interface CurlAnswer {
  readonly exit: number
  readonly stderr: string
  readonly statuses: readonly number[]
  readonly status: number
  readonly headers: readonly (readonly [name: string, value: string])[]
  readonly body: Buffer
  /** What `-w '%{num_connects}'` said. */
  readonly connects: number
}

/** Runs curl through a sidecar. */
export class Curl {
  readonly directory = mkdtempSync(join(tmpdir(), 'outrider-curl-'))
  readonly #outbound: string
  readonly #mode: CurlMode
  #count = 0

  constructor(t: Test, outbound: string, mode: CurlMode) {
    this.#outbound = outbound
    this.#mode = mode
    t.teardown(() => rmSync(this.directory, { recursive: true, force: true }))
  }

  /** A file for `--data-binary @` and `-T`. */
  file(octets: Buffer): string {
    const path = join(this.directory, `body-${this.#count++}`)
    writeFileSync(path, octets)
    return path
  }

  url(authority: string, path: string): string {
    return this.#mode === 'host' ? `http://${this.#outbound}${path}` : `http://${authority}${path}`
  }

  /** Arguments that every call needs. */
  way(authority: string): string[] {
    if (this.#mode === 'host') return ['-H', `Host: ${authority}`]
    return this.#mode === 'connect' ? ['-p', '-x', `http://${this.#outbound}`] : []
  }

  async ask(authority: string, path: string, ...args: string[]): Promise<CurlAnswer> {
    const body = join(this.directory, `answer-${this.#count++}`)
    const fields = `${body}.head`
    writeFileSync(body, '')
    const all = [
      '-sS',
      '-m',
      '20',
      '-D',
      fields,
      '-o',
      body,
      '-w',
      '%{num_connects}',
      ...this.way(authority),
      ...args,
      this.url(authority, path),
    ]
    const { code, stdout, stderr } = await this.run(all)
    const heads = readFileSync(fields, 'latin1')
      .split('\r\n\r\n')
      .filter(text => text !== '')
      .map(text => text.split('\r\n'))
    const statuses = heads.map(lines => Number(lines[0]?.split(' ')[1]))
    const headers = (heads.at(-1) ?? [])
      .slice(1)
      .map(line => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1).trim()] as const)
    return { exit: code, stderr, statuses, status: statuses.at(-1) ?? 0, headers, body: readFileSync(body), connects: Number(stdout) }
  }

  run(args: readonly string[]): Promise<{ code: number; stdout: string; stderr: string }> {
    const proxy = this.#mode === 'proxy' ? { http_proxy: `http://${this.#outbound}` } : { http_proxy: '' }
    const env = { ...process.env, NO_PROXY: '', no_proxy: '', ...proxy }
    return new Promise(resolve => {
      execFile('curl', args, { env, maxBuffer: 64 * 1024 * 1024 }, (error, stdout, stderr) => {
        resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr })
      })
    })
  }
}

/** All values of a field. */
export function field(answer: CurlAnswer, name: string): string[] {
  return answer.headers.filter(([each]) => each.toLowerCase() === name).map(([, value]) => value)
}
