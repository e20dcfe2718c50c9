import { type IncomingMessage, request as plainRequest } from 'node:http'
import { request as secureRequest } from 'node:https'

/** The start of what a server answered to a GET. */
export interface Page {
  readonly status: number
  /** `Location` of a redirect. */
  readonly location: string | null
  /** As much of the body as was read. */
  readonly text: string
}

/**
 * Whether a server serves its pages below the path of a URL, by what it answered there. Jaeger without `--query.base-path` answers every path with
 * its page, which then says `<base href="/">`; other versions and servers answer 404, or redirect to where they are. What tells neither way (a
 * login, a failure) is taken for yes: whoever asked sees it.
 * @param url with a slash at the end of its path.
 */
export function isServedBelow(url: URL, page: Page): boolean {
  if (page.status === 404) return false
  if (page.status >= 300 && page.status < 400 && page.location !== null) {
    const to = URL.parse(page.location, url)
    return to === null || to.host !== url.host || to.pathname.startsWith(url.pathname)
  }
  const base = /<base\s[^>]*?href=["']?([^"'\s>]*)/i.exec(page.text)?.[1]
  return base === undefined || page.status >= 400 || URL.parse(base, url)?.pathname === url.pathname
}

/** How much of a page is asked for. */
export interface PageLimits {
  /** ms for all of it. */
  readonly ms: number
  /** Octets that are read of it. */
  readonly bytes: number
}

/** True for what `getPage` rejects with when its time is up: Node says so in several ways. */
export function isTimeout(error: Error): boolean {
  return error.name === 'AbortError' || error.name === 'TimeoutError'
}

/** GETs a page. Rejects with the system's error, or when the time is up. */
export function getPage(url: URL, limits: PageLimits): Promise<Page> {
  const send = url.protocol === 'https:' ? secureRequest : plainRequest
  return new Promise((resolve, reject) => {
    const sent = send(url, { agent: false, headers: { accept: 'text/html' }, signal: AbortSignal.timeout(limits.ms) }, response => {
      readStart(response, limits.bytes).then(
        text => resolve({ status: response.statusCode ?? 0, location: response.headers.location ?? null, text }),
        reject,
      )
    })
    sent.once('error', reject)
    sent.end()
  })
}

async function readStart(response: IncomingMessage, bytes: number): Promise<string> {
  const chunks: Buffer[] = []
  let length = 0
  // Leaving the loop early closes the connection.
  for await (const chunk of response as AsyncIterable<Buffer>) {
    chunks.push(chunk)
    length += chunk.length
    if (length >= bytes) break
  }
  return Buffer.concat(chunks).toString('latin1', 0, bytes)
}
