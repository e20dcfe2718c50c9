/** Applies 1,000 routes every 5 s, different ones each time, until it is ended: `node apply.ts API_URL SERVICE`. A process of its own, so that it delays no request. */
const [api = '', service = ''] = process.argv.slice(2)
const ROUTES = 1_000
const EVERY_MS = 5_000

for (let round = 0; ; round++) {
  const documents = Array.from({ length: ROUTES }, (_, index) => ({
    apiVersion: 'gateway.networking.k8s.io/v1',
    kind: 'HTTPRoute',
    metadata: { name: `bench-${index}` },
    spec: {
      parentRefs: [{ group: '', kind: 'Service', name: service }],
      rules: [
        {
          matches: [{ path: { type: 'PathPrefix', value: `/bench/${index}` } }],
          timeouts: { request: `${1_000 + ((index + round) % 500)}ms` },
          backendRefs: [{ name: service, port: 80 }],
        },
      ],
    },
  }))
  const started = performance.now()
  const response = await fetch(`${api}/v1/apply`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(documents),
  })
  const text = await response.text()
  if (!response.ok) throw new Error(`apply: ${response.status} ${text.slice(0, 500)}`)
  console.log(Math.round(performance.now() - started))
  await new Promise(resolve => setTimeout(resolve, Math.max(0, EVERY_MS - (performance.now() - started))))
}
