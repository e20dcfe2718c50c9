import { type Curl, type CurlAnswer, type CurlMode, field } from './curl.ts'
import { pattern, sha } from './pattern.ts'

type Facts = Record<string, unknown>
type Scenario = () => Promise<Facts>

const LARGE = 10 * 1024 * 1024

/** What the app says of a request. */
function json(answer: CurlAnswer): Facts {
  return JSON.parse(answer.body.toString())
}

function told(answer: CurlAnswer): Facts {
  const { method, octets, sha, contentLength, transferEncoding } = json(answer)
  return { status: answer.status, method, octets, sha, contentLength, transferEncoding }
}

/** What is tried with curl; the names and facts are those of the other clients. */
export function curlScenarios(curl: Curl, mode: CurlMode, service: string, outside: string): Record<string, Scenario> {
  const ask = (path: string, ...args: string[]) => curl.ask(service, path, ...args)
  const post = (path: string, octets: Buffer, ...args: string[]) =>
    ask(path, '-H', 'Content-Type: x/y', '-H', 'Expect:', '--data-binary', `@${curl.file(octets)}`, ...args)
  const download = async (path: string): Promise<[CurlAnswer, Facts]> => {
    const answer = await ask(path)
    return [answer, { status: answer.status, octets: answer.body.length, sha: sha(answer.body) }]
  }
  const many = async (...args: string[]) => {
    const urls = Array.from({ length: 50 }, (_, n) => curl.url(service, `/echo?n=${n}`))
    const { stdout } = await curl.run(['-sS', '-m', '20', ...args, ...curl.way(service), '-w', '\n%{num_connects}\n', ...urls])
    // In parallel, what curl says of a transfer may stand in another one's line.
    const paths = new Set([...stdout.matchAll(/"path":"([^"]*)"/g)].map(match => match[1]))
    const connections = stdout.split('\n').reduce((sum, line) => sum + (/^\d+$/.test(line) ? Number(line) : 0), 0)
    return { good: paths.size, connections }
  }
  const refused = (answer: CurlAnswer) => ({ status: answer.status, proxyStatus: field(answer, 'proxy-status') })
  const gone = async (id: string) => {
    for (let left = 100; ; left--) {
      const events = JSON.parse((await ask(`/seen?id=${id}`)).body.toString())
      if (events.length > 1 || left === 0) return events
    }
  }
  return {
    'keep-alive': () => many(),
    parallel: async () => ({
      good: (await many('--parallel', '--parallel-immediate', '--parallel-max', '50', '--no-progress-meter')).good,
    }),
    'post-length': async () => told(await post('/echo', pattern(12_345))),
    'post-chunked': async () => told(await post('/echo', pattern(54_321), '-H', 'Transfer-Encoding: chunked')),
    'put-empty': async () => told(await ask('/echo', '-X', 'PUT', '-d', '')),
    'upload-large': async () => told(await post('/echo', pattern(LARGE))),
    'download-large': async () => {
      const [answer, facts] = await download(`/download?bytes=${LARGE}`)
      return { ...facts, contentLength: field(answer, 'content-length') }
    },
    'download-chunked': async () => {
      const [answer, facts] = await download(`/download?bytes=${LARGE}&chunked`)
      return { ...facts, transferEncoding: field(answer, 'transfer-encoding') }
    },
    head: async () => {
      const answer = await ask('/download?bytes=1000', '-I')
      return { status: answer.status, contentLength: field(answer, 'content-length'), exit: answer.exit }
    },
    204: async () => {
      const answer = await ask('/204')
      return { status: answer.status, kind: field(answer, 'x-kind'), octets: answer.body.length, exit: answer.exit }
    },
    304: async () => {
      const answer = await ask('/304', '-H', 'If-None-Match: "one"')
      return { status: answer.status, etag: field(answer, 'etag'), octets: answer.body.length, exit: answer.exit }
    },
    gzip: async () => {
      const answer = await ask('/gzip')
      const isSame = sha(answer.body) === field(answer, 'x-packed-sha')[0]
      return { status: answer.status, encoding: field(answer, 'content-encoding'), isSame }
    },
    redirect: async () => {
      const to = encodeURIComponent(mode === 'host' ? '/echo?moved' : `http://${service}/echo?moved`)
      const answer = json(await ask(`/redirect?to=${to}`, '-L'))
      const kept = json(await post(`/redirect?status=307&to=${to}`, pattern(100), '-L'))
      return { status: 200, path: answer['path'], kept: kept['method'], octets: kept['octets'] }
    },
    'expect-continue': async () => {
      const body = ['-H', 'Expect: 100-continue', '--data-binary', `@${curl.file(pattern(1_000))}`]
      const answer = await ask('/continue', ...body)
      const refusal = await ask('/continue?refuse', ...body)
      return { continued: answer.statuses.includes(100), octets: json(answer)['octets'], refused: refusal.status }
    },
    'early-hints': async () => {
      const answer = await ask('/early-hints')
      return { infos: answer.statuses.filter(status => status < 200), status: answer.status }
    },
    cookies: async () => {
      const answer = await ask('/cookies')
      const back = await ask('/echo', '-b', 'a=1; b=2')
      return { setCookie: field(answer, 'set-cookie'), cookie: json(back)['cookie'] }
    },
    latin1: async () => {
      const answer = await ask('/latin1')
      const fields = curl.file(Buffer.from('X-Latin1: na\u00efve\n', 'latin1'))
      const back = await ask('/echo', '-H', `@${fields}`)
      return { received: Buffer.from(field(answer, 'x-latin1')[0] ?? '', 'latin1').toString('hex'), sent: json(back)['latin1'] }
    },
    'long-url': async () => {
      const path = `/echo?q=${'x'.repeat(12_000)}`
      const answer = await ask(path)
      return { status: answer.status, isSame: json(answer)['path'] === path }
    },
    'too-long-url': async () => refused(await ask(`/echo?q=${'x'.repeat(20_000)}`)),
    'unknown-port': async () => {
      const answer = await curl.ask(`${service}:8123`, '/echo')
      return mode === 'connect' ? { connect: answer.status } : refused(answer)
    },
    'no-endpoints': async () => refused(await curl.ask('empty', '/echo')),
    outside: async () => {
      const answer = await curl.ask(outside, '/echo?outside')
      return { status: answer.status, path: json(answer)['path'], host: json(answer)['host'] }
    },
    'early-response': async () => ({ status: (await post('/too-large', pattern(2 * 1024 * 1024))).status }),
    disconnect: async () => {
      const id = `curl-${mode}-${service}-${process.pid}`
      await ask(`/endless?id=${id}-r`, '-m', '0.5')
      await ask(`/upload?id=${id}-w`, '-m', '1', '--limit-rate', '1000', '-H', 'Expect:', '-T', curl.file(pattern(100_000)))
      return { reading: await gone(`${id}-r`), sending: await gone(`${id}-w`) }
    },
  }
}
