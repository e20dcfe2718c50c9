import { createServer } from 'node:http'

/** What a demo app answers with. */
export type Answer = Record<string, unknown>

/** The app's own spans, where it was told to whom they go. Without them its sidecar's are traced all the same. */
const spans = process.env['OTEL_EXPORTER_OTLP_ENDPOINT'] === undefined ? null : await import('./spans.ts')

/** Serves JSON on PORT, which `outrider run` gives, and ends on SIGTERM once its last answer is out. Knows nothing of the mesh. */
export function serve(answer: (path: string) => Promise<Answer>): void {
  const server = createServer((request, response) => {
    const respond = () => {
      answer(request.url ?? '/').then(
        body => response.setHeader('content-type', 'application/json').end(`${JSON.stringify(body)}\n`),
        error => response.writeHead(502, { 'content-type': 'application/json' }).end(`${JSON.stringify({ error: `${error}` })}\n`),
      )
    }
    if (spans === null) respond()
    else spans.traceServed(request, response, respond)
  })
  server.listen(Number(process.env['PORT']), '127.0.0.1')
  const end = () => server.close(() => spans?.endSpans())
  process.once('SIGTERM', end)
  process.once('SIGINT', end)
}

/** GET of another service by its name: HTTP_PROXY and NODE_USE_ENV_PROXY, which `outrider run` sets, take it through the sidecar. */
export async function get(url: string): Promise<Answer> {
  const send = (headers: Record<string, string>) => fetch(url, { headers, signal: AbortSignal.timeout(5_000) })
  const response = await (spans === null ? send({}) : spans.traceCall(url, send))
  if (!response.ok) throw new Error(`${url} was answered ${response.status}: ${(await response.text()).trim()}`)
  return (await response.json()) as Answer
}
