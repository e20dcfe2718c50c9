import { once } from 'node:events'
import { createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Test } from 'tap'
import { type Address, address, Mesh } from '../../support/e2e/mesh.ts'
import { type Running, readyOf, until } from '../../support/e2e/process.ts'
import { node, program } from './tools.ts'

/** What an app of the chain was sent, and what the next one answered it; see apps/relay.mjs. */
export interface Answer {
  readonly seen: Readonly<Record<string, string | null>>
  readonly next: { readonly status: number; readonly proxyStatus: string | null; readonly answer: Answer | string } | null
}

export interface Reply {
  readonly status: number
  readonly text: string
}

/** A service whose app and sidecar `outrider run` started. */
export interface App {
  readonly run: Running
  readonly inbound: Address
}

export const RELAY = program('apps/relay.mjs')

/** A machine that is busy must not decide what a test says. */
const PATIENCE = `apiVersion: outrider.dev/v1
kind: TrafficPolicy
metadata: { name: patience }
spec:
  targetRefs: [{ group: "", kind: Service, name: orders }, { group: "", kind: Service, name: prices }]
  timeouts: { connect: 60s }
`

/** Three apps that ask one another: `web`, `orders`, `prices`. */
export interface Chain {
  readonly mesh: Mesh
  readonly web: App
  readonly orders: App
  readonly prices: App
}

/** Starts an app under `outrider run`; it says `relay on` when it listens. */
export async function startApp(
  mesh: Mesh,
  service: string,
  command: readonly string[],
  flags: readonly string[] = [],
  env = {},
): Promise<App> {
  const ready = mesh.file(`${service}.ready`)
  const run = mesh.run(['run', ...mesh.sidecarFlags(service, service), '--ready-file', ready, ...flags, '--', ...command], env)
  const said = await readyOf(ready, run)
  await until(`${service} listens\n${run.stderr}`, () => {
    if (run.exit !== null) throw new Error(`ended: ${run.stderr}`)
    return run.stdout.includes('relay on')
  })
  return { run, inbound: address(said['inbound'] as string) }
}

export async function startChain(t: Test, version: string, flags: readonly string[] = []): Promise<Chain> {
  const mesh = new Mesh()
  t.teardown(() => mesh.stop())
  await mesh.startControl()
  const start = (service: string) => startApp(mesh, service, [node(version), RELAY], flags)
  const [web, orders, prices] = await Promise.all([start('web'), start('orders'), start('prices')])
  await mesh.apply(PATIENCE)
  await until('the chain stands', async () => (await ask(web.inbound, '/orders/prices?via=http')).text.includes('"next":null'))
  return { mesh, web, orders, prices }
}

/** Asks a listener of `web`'s or another app; with a body, which comes in two parts, so that much of it arrives after the handler was called. */
export async function ask(to: Address, path: string, headers: Record<string, string> = {}, body: readonly string[] = []): Promise<Reply> {
  const sent = request({ ...to, path, method: body.length === 0 ? 'GET' : 'POST', headers: { host: 'app', ...headers }, agent: false })
  const answered = once(sent, 'response')
  for (const part of body) {
    sent.write(part)
    await new Promise(resolve => setImmediate(resolve))
  }
  sent.end()
  const [response] = await answered
  let text = ''
  for await (const chunk of response.setEncoding('utf8')) text += chunk
  return { status: response.statusCode, text }
}

/** An answer of an app. @throws with what came in its place. */
export function answerOf({ status, text }: Reply): Answer {
  if (status !== 200) throw new Error(`${status} ${text}`)
  return JSON.parse(text)
}

/** What each app of a chain was sent, first to last. @throws if one was not reached. */
export function seenAlong(reply: Reply): Answer['seen'][] {
  const all: Answer['seen'][] = []
  for (let answer: Answer | string | undefined = answerOf(reply); answer !== undefined; answer = answer.next?.answer) {
    if (typeof answer === 'string') throw new Error(answer)
    all.push(answer.seen)
  }
  return all
}

/** What an app asks in place of a sidecar: answers what each request carried. */
export async function startEcho(t: Test): Promise<Address> {
  const server = createServer(({ headers }, response) => {
    const names = ['traceparent', 'tracestate', 'baggage', 'x-request-id', 'x-envoy-expected-rq-timeout-ms']
    const seen = Object.fromEntries(names.map(name => [name, headers[name] ?? null]))
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ seen, next: null }))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  return { host: '127.0.0.1', port: (server.address() as AddressInfo).port }
}
