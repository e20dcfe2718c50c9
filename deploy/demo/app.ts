import { createServer } from 'node:http'

/** What a demo app answers with. */
export type Answer = Record<string, unknown>

/** Serves JSON on PORT, which `outrider run` gives, and ends on SIGTERM once its last answer is out. Knows nothing of the mesh. */
export function serve(answer: (path: string) => Promise<Answer>): void {
  const server = createServer((request, response) => {
    answer(request.url ?? '/').then(
      body => response.setHeader('content-type', 'application/json').end(`${JSON.stringify(body)}\n`),
      error => response.writeHead(502, { 'content-type': 'application/json' }).end(`${JSON.stringify({ error: `${error}` })}\n`),
    )
  })
  server.listen(Number(process.env['PORT']), '127.0.0.1')
  process.once('SIGTERM', () => server.close())
  process.once('SIGINT', () => server.close())
}

/** GET of another service by its name: HTTP_PROXY and NODE_USE_ENV_PROXY, which `outrider run` sets, take it through the sidecar. */
export async function get(url: string): Promise<Answer> {
  const response = await fetch(url, { signal: AbortSignal.timeout(5_000) })
  if (!response.ok) throw new Error(`${url} was answered ${response.status}: ${(await response.text()).trim()}`)
  return (await response.json()) as Answer
}
