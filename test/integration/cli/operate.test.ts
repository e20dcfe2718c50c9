import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { proxy, RunningApi } from '../api/running-api.ts'

const LAUNCHER = fileURLToPath(new URL('../../../bin/outrider.js', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'outrider-operate-'))
const api = new RunningApi()
t.before(() => api.start())
t.teardown(async () => {
  await api.stop()
  rmSync(folder, { recursive: true })
})

const ORDERS = `# orders
apiVersion: outrider.dev/v1
kind: Service
metadata: { name: orders }
spec:
  ports: [{ port: 80, protocol: http }]
  endpoints: [{ address: 127.0.0.1, port: 8081 }]
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: { name: orders }
spec:
  parentRefs: [{ group: "", kind: Service, name: orders }]
  rules:
    - matches: [{ path: { type: PathPrefix, value: /api } }]
      timeouts: { request: 10s }
      backendRefs: [{ name: orders, port: 80 }]
`

function file(name: string, text: string): string {
  writeFileSync(join(folder, name), text)
  return name
}

/** Runs one command against the API, in the folder of the files. */
function outrider(...words: string[]): Promise<{ code: number | null; out: string; err: string }> {
  return new Promise(resolve => {
    const env = { PATH: process.env['PATH'] ?? '', OUTRIDER_API: api.base }
    const child = spawn(process.execPath, [LAUNCHER, ...words], { cwd: folder, env, stdio: ['ignore', 'pipe', 'pipe'] })
    let out = ''
    let err = ''
    child.stdout.setEncoding('utf8').on('data', text => {
      out += text
    })
    child.stderr.setEncoding('utf8').on('data', text => {
      err += text
    })
    child.once('close', code => resolve({ code, out, err }))
  })
}

t.test('apply says what changed, where it was written, and on how many sidecars it is in force', async t => {
  file('orders.yaml', ORDERS)
  api.proxies = [proxy('a', 1), proxy('b', 1), proxy('gone', 0, { isConnected: false })]
  const first = await outrider('apply', '-f', 'orders.yaml')
  t.equal(first.err, '')
  t.match(
    first.out,
    /^created {3}Service default\/orders \(orders.yaml:2\)\ncreated {3}HTTPRoute default\/orders \(orders.yaml:9\)\nin force on 2 of 2 sidecars, \d+ ms\n$/,
  )
  t.equal(first.code, 0)
  t.match((await outrider('apply', '-f', '.', '--no-wait')).out, /^unchanged Service default\/orders \(orders.yaml:2\)\n/)
})

t.test('a dry run changes nothing', async t => {
  const before = api.store.revision
  const answer = await outrider('apply', '-f', file('orders.yaml', ORDERS.replace('/api', '/v2')), '--dry-run')
  t.match(answer.out, /^unchanged Service .*\nupdated {3}HTTPRoute .*\ndry run: nothing was changed\n$/)
  t.equal(api.store.revision, before)
  file('orders.yaml', ORDERS)
})

t.test('every fault is told at its own file and line, and nothing is changed', async t => {
  const before = api.store.revision
  const bad = ORDERS.replace('port: 8081', 'port: 0')
    .replace('request: 10s', 'request: soon')
    .replace('name: orders, port: 80 }]\n', 'name: orders, prt: 80 }]\n')
  const answer = await outrider('apply', '-f', file('bad.yaml', bad))
  t.equal(answer.code, 1)
  const places = answer.err.split('\n').map(line => /^outrider apply: (bad.yaml:\d+): (\w+ [\w/]+): (\S+):/.exec(line)?.slice(1).join(' '))
  t.match(places, [
    'bad.yaml:7 Service default/orders spec.endpoints[0].port',
    /^bad.yaml:1[67] HTTPRoute default\/orders spec.rules\[0\]/,
    /^bad.yaml:1[67] HTTPRoute default\/orders spec.rules\[0\]/,
  ])
  t.match(answer.err, /\d faults; nothing was changed\n$/)
  t.equal(api.store.revision, before)
})

t.test('a file that is no YAML is told before anything is sent', async t => {
  const answer = await outrider('apply', '-f', file('broken.yaml', 'a: [\nb: }\n'))
  t.equal(answer.code, 1)
  t.match(answer.err, /^outrider apply: broken.yaml:\d+: document 1: is not YAML: /)
})

t.test('a sidecar that refuses makes apply exit 1 with the file and line', async t => {
  const nack = { typeUrl: 't', resource: 'outbound/default/orders:80', message: 'cannot be used', at: 1, revision: 99 }
  api.proxies = [proxy('a', 99), proxy('b', 0, { inSync: false, lastNack: nack })]
  const answer = await outrider('apply', '-f', 'orders.yaml')
  t.equal(answer.code, 1)
  t.match(answer.out, /in force on 1 of 2 sidecars, \d+ ms\n$/)
  t.equal(answer.err, 'orders.yaml:2, orders.yaml:9: refused by b: cannot be used (outbound/default/orders:80)\n')
})

t.test('a sidecar that does not answer within --timeout makes apply exit 4 and name it', async t => {
  api.proxies = [proxy('a', 99), proxy('slow', 0, { inSync: false })]
  const answer = await outrider('apply', '-f', 'orders.yaml', '--timeout', '1ms')
  t.equal(answer.code, 4)
  t.equal(answer.err, 'not yet on slow (default/web), which runs revision 0\n')
})

t.test('get prints a table, JSON or YAML; what it prints can be applied again', async t => {
  api.proxies = [proxy('a', 99)]
  const shown = await outrider('get', 'httproutes')
  t.match(
    shown.out,
    /^NAMESPACE +NAME +REFERENCES +IN FORCE +REVISION +WRITTEN AT\ndefault +orders +ok +1 of 1 sidecars +1 +orders.yaml:9\n$/,
  )
  t.equal(JSON.parse((await outrider('get', 'service', 'orders', '-o', 'json')).out).spec.endpoints[0].port, 8081)
  const yaml = (await outrider('get', 'service', 'orders', '-o', 'yaml')).out
  t.match(
    (await outrider('apply', '--no-wait', '-f', file('again.yaml', yaml))).out,
    /^updated {3}Service default\/orders \(again.yaml:1\)/,
  )
  const none = await outrider('get', 'service', 'nope')
  t.same([none.code, none.err], [1, 'outrider get: there is no Service default/nope\n'])
})

t.test('proxies prints a table with the last refusal and the warnings', async t => {
  const nack = { typeUrl: 't', resource: '', message: 'bad\nregex', at: 1, revision: 1 }
  api.proxies = [proxy('a', 3, { lastNack: nack, warnings: ['insecure'] }), proxy('b', 0, { isConnected: false, address: '' })]
  const { out, err } = await outrider('proxies')
  t.match(
    out,
    /^ID +SERVICE +ADDRESS +REVISION +IN SYNC +SINCE +LAST NACK\na +default\/web +127.0.0.1:15006 +3 +yes +\d+[smhd] +bad regex\nb +default\/web +- +0 +gone +\d+[smhd] +-\n$/,
  )
  t.equal(err, 'warning: insecure (a): the control plane can be reached from other machines, and there are no identities (--insecure)\n')
  t.equal(JSON.parse((await outrider('proxies', '-o', 'json')).out).items.length, 2)
})

t.test('explain asks the control plane as a service, and says so', async t => {
  await api.look()
  const { out } = await outrider('explain', 'GET', 'http://orders/api/1', '-H', 'x-user: 7', '--as', 'orders')
  t.match(
    out,
    /^answered by the control plane at http:\/\/127.0.0.1:\d+, as orders is told\nGET http:\/\/orders\/api\/1 goes to default\/orders:80\n/,
  )
  t.match(out, /\n {2}rule +HTTPRoute default\/orders rule 1 \(orders.yaml:9\)\n/)
  t.match(out, /\n {4}request +10s\n/)
  t.match(out, /\n {4}endpoint +127.0.0.1:8081 healthy, weight 1, listed\n/)
  const none = await outrider('explain', 'http://orders/other', '--as', 'orders')
  t.match(none.out, /none of the \d routes of outbound\/default\/orders:80 matches: 404, flag NR\n/)
  t.match(
    none.out,
    /\nroutes, and why none matches:\n {2}path below \/api +path is "\/other", needs the prefix "\/api" +HTTPRoute default\/orders rule 1/,
  )
})

t.test('delete removes by name or by file, and exits 1 for what is not there', async t => {
  t.same(await outrider('delete', 'httproute', 'orders'), { code: 0, out: 'deleted HTTPRoute default/orders\n', err: '' })
  const second = await outrider('delete', '-f', 'orders.yaml')
  t.same(second, { code: 1, out: 'deleted Service default/orders\n', err: 'there is no HTTPRoute default/orders\n' })
})

t.test('no colour where there is no terminal', async t => {
  const { out } = await outrider('apply', '-f', 'orders.yaml', '--no-wait')
  t.notOk(out.includes('\u001b'))
})
