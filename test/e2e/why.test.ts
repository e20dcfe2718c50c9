import { writeFileSync } from 'node:fs'
import t from 'tap'
import { ask } from '../support/e2e/ask.ts'
import { Mesh } from '../support/e2e/mesh.ts'
import { outrider } from '../support/e2e/process.ts'

const documents = (port: number) => `apiVersion: outrider.dev/v1
kind: Service
metadata: { name: prices }
spec:
  ports: [{ port: 80, protocol: http }]
  endpoints: [{ address: 127.0.0.1, port: ${port} }]
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: { name: prices }
spec:
  parentRefs: [{ group: "", kind: Service, name: prices }]
  rules:
    - matches: [{ path: { type: PathPrefix, value: /api } }]
      retry: { codes: [503], attempts: 1 }
      backendRefs: [{ name: prices, port: 80 }]
`

t.test('the id in the body of an error leads by `outrider why` to the rule with its file and line', async t => {
  const mesh = new Mesh()
  t.teardown(() => mesh.stop())
  await mesh.startControl()
  const web = await mesh.startSidecar('web')
  const { app, port: closed } = await mesh.startApp('prices')
  await app.stop()
  const file = mesh.file('prices.yaml')
  writeFileSync(file, documents(closed))
  const api = `http://${mesh.api}`
  t.equal((await outrider(['apply', '-f', file, '--api', api])).code, 0)
  const { status, text } = await ask(web.outbound, { host: 'prices', path: '/api/7' })
  t.equal(status, 503)
  const id = /^outrider: UPSTREAM_CONNECT_REFUSED, request (\S+)\n$/.exec(text)?.[1] ?? ''

  for (const where of [
    ['--api', api],
    ['--admin', `${web.admin.host}:${web.admin.port}`],
  ]) {
    const { code, stdout, stderr } = await outrider(['why', id, ...where])
    t.equal(code, 0, stderr)
    t.match(stdout, /^\d{4}-\d\d-\d\d [\d:.]+ UTC {2}web sent GET http:\/\/prices\/api\/7 and got 503 after .* ms and 2 tries\.\n/)
    t.match(stdout, 'The endpoint refused the connection (UPSTREAM_CONNECT_REFUSED, flags UF,URX).')
    t.match(stdout, /\n {2}rule {5}HTTPRoute default\/prices rule 1 \(.*prices\.yaml:8\), to default\/prices:80\n/)
    t.match(stdout, /\n {2}try 2 {4}127\.0\.0\.1:\d+, at .* ms, took .* ms: UPSTREAM_CONNECT_REFUSED: .*ECONNREFUSED\n/)
    t.match(stdout, `\n  request  ${id}\n`)
    t.match(stdout, /\n {2}What to do: Nothing listens at the address of the try/)
  }
  t.match((await outrider(['why', '--last', '1', '--service', 'prices', '--api', api])).stdout, id)
  const none = await outrider(['why', 'no-such-request', '--api', api])
  t.equal(none.code, 1)
  t.match(none.stderr, /nothing is known of no-such-request: 1 of 1 sidecar answered; only failures are kept/)
})
