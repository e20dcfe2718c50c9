/**
 * What a change costs the control plane: `npm run bench:control [-- --gate]`.
 *
 * 1,000 simulated sidecars acknowledge a change (their side of it included, in this very process); 1,000 routes are applied in one call of the API.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { TYPES } from '../../control/translate/resources.ts'
import { NODE, Peer } from '../integration/control-xds/peer.ts'
import { model, plane, route, service } from '../integration/control-xds/plane.ts'
import { listening, start } from './macro/process.ts'

const { values: flags } = parseArgs({ options: { gate: { type: 'boolean', default: false }, rounds: { type: 'string', default: '5' } } })
const SIDECARS = 1_000
/** Streams on one connection. */
const STREAMS = 50
const ROUTES = 1_000
/** ms; the median of the rounds counts. */
const GATES = { change: 1_000, apply: 2_000 }
const PORTS = { api: 19_380, xds: 19_312 }
const LAUNCHER = join(import.meta.dirname, '../../bin/outrider.js')

const median = (values: number[]) => values.sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN
const timed = (name: string, seconds: number) =>
  route(name, name, { rules: [{ timeouts: { request: `${seconds}s` }, backendRefs: [{ name, port: 80 }] }] })

/** ms from each change to the last sidecar that has it. */
async function changes(rounds: number): Promise<number[]> {
  const services = Array.from({ length: 20 }, (_, index) => service(`service-${index}`))
  const { discovery, port } = await plane({ model: model(1, services, [timed('service-1', 1)]) })
  const peers = Array.from({ length: SIDECARS / STREAMS }, () => new Peer(port))
  const streams = Array.from({ length: SIDECARS }, (_, index) => (peers[index % peers.length] as Peer).delta())
  await Promise.all(streams.map((stream, index) => stream.join({ ...NODE, id: `web-${index}` })))
  await discovery.board.settled(1, 60_000)
  const took: number[] = []
  for (let round = 0; round < rounds; round++) {
    const startedAt = performance.now()
    discovery.setModel(model(round + 2, services, [timed('service-1', round + 2)]))
    await Promise.all(streams.map(stream => stream.take(TYPES.virtualHost)))
    took.push(performance.now() - startedAt)
    await discovery.board.settled(round + 2, 60_000)
  }
  for (const peer of peers) peer.close()
  await discovery.close()
  return took
}

function documents(round: number): string {
  const ofService = { apiVersion: 'outrider.dev/v1', kind: 'Service', metadata: { name: 'orders' } }
  const routes = Array.from({ length: ROUTES }, (_, index) => ({
    apiVersion: 'gateway.networking.k8s.io/v1',
    kind: 'HTTPRoute',
    metadata: { name: `route-${index}` },
    spec: {
      parentRefs: [{ group: '', kind: 'Service', name: 'orders' }],
      rules: [{ matches: [{ path: { type: 'PathPrefix', value: `/${round}/${index}` } }], backendRefs: [{ name: 'orders', port: 80 }] }],
    },
  }))
  return JSON.stringify([
    { ...ofService, spec: { ports: [{ port: 80, protocol: 'http' }], endpoints: [{ address: '127.0.0.1', port: 9 }] } },
    ...routes,
  ])
}

/** ms of each call, from the first octet sent to the answer, which means: on disk. */
async function applies(rounds: number): Promise<number[]> {
  const directory = mkdtempSync(join(tmpdir(), 'outrider-control-'))
  const control = start(0, process.execPath, [
    ...[LAUNCHER, 'control', '--data-dir', directory],
    ...['--api', `127.0.0.1:${PORTS.api}`, '--xds', `127.0.0.1:${PORTS.xds}`],
  ])
  const took: number[] = []
  try {
    await listening(PORTS.api)
    for (let round = 0; round < rounds; round++) {
      const body = documents(round)
      const startedAt = performance.now()
      const response = await fetch(`http://127.0.0.1:${PORTS.api}/v1/apply`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body,
      })
      const text = await response.text()
      took.push(performance.now() - startedAt)
      if (!response.ok) throw new Error(`apply: ${response.status} ${text.slice(0, 500)}`)
    }
  } finally {
    await control.stop()
    rmSync(directory, { recursive: true, force: true })
  }
  return took
}

const rounds = Number(flags.rounds)
const figures = { change: await changes(rounds), apply: await applies(rounds) }
let isGood = true
for (const [name, what] of [
  ['change', `a change has reached ${SIDECARS} sidecars`],
  ['apply', `${ROUTES} routes are applied in one call`],
] as const) {
  const first = figures[name][0]?.toFixed(0)
  const ms = median(figures[name])
  console.log(`${what}: ${ms.toFixed(0)} ms, median of ${rounds} (the first ${first} ms)`)
  if (ms <= GATES[name]) continue
  isGood = false
  console.log(`GATE: ${ms.toFixed(0)} ms is over ${GATES[name]} ms`)
}
process.exit(flags.gate && !isGood ? 1 : 0)
