import { Agent, type IncomingMessage, request } from 'node:http'
import { request as secureRequest } from 'node:https'
import type { Fault } from '../model/document.ts'
import { CommandError } from './exit-codes.ts'

/** An answer of the control API or of a sidecar's admin port. */
export interface ApiAnswer {
  readonly status: number
  readonly headers: IncomingMessage['headers']
  /** As text. */
  readonly text: string
}

/** A request to be sent; a body is JSON. */
export interface ApiCall {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE'
  /** With its query: `/v1/apply?dryRun=true`. */
  readonly path: string
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
  /** ms until the last octet of the answer. */
  readonly timeoutMs?: number
}

/** ms that a call may take. */
const CALL_TIMEOUT_MS = 30_000
/** Octets of an answer that are read: more than any list that the store's limits allow. */
const MAX_ANSWER_BYTES = 256 * 1_048_576
/** Never by way of HTTP_PROXY: under `outrider run` that is the sidecar. */
const AGENT = new Agent({ keepAlive: false })

/** Calls one server, the control API or a sidecar's admin port. */
export class ApiClient {
  readonly #base: string
  readonly #flag: string

  /** @param flag that chooses the address, for the message when nothing answers: `--api`. */
  constructor(base: string, flag: string) {
    this.#base = base
    this.#flag = flag
  }

  /** @returns whatever it answered. Throws CommandError `unreachable` when nothing answers, `failed` when it takes too long. */
  async call(call: ApiCall): Promise<ApiAnswer> {
    const body = call.body === undefined ? null : Buffer.from(JSON.stringify(call.body))
    const timeoutMs = call.timeoutMs ?? CALL_TIMEOUT_MS
    try {
      return await this.#send(call, body, AbortSignal.timeout(timeoutMs))
    } catch (error) {
      throw this.#failure(error as NodeJS.ErrnoException, timeoutMs)
    }
  }

  /** As `call`, for an answer that must be 2xx; throws CommandError `failed` with the problem's text otherwise. */
  async expect(call: ApiCall): Promise<ApiAnswer> {
    const answer = await this.call(call)
    if (answer.status < 200 || answer.status > 299) throw new CommandError('failed', problemText(answer))
    return answer
  }

  #send(call: ApiCall, body: Buffer | null, signal: AbortSignal): Promise<ApiAnswer> {
    const url = new URL(this.#base + call.path)
    const headers: Record<string, string> = { accept: 'application/json', ...call.headers }
    if (body !== null) {
      headers['content-type'] = 'application/json'
      headers['content-length'] = String(body.length)
    }
    const isSecure = url.protocol === 'https:'
    return new Promise((resolve, reject) => {
      const sent = (isSecure ? secureRequest : request)(
        url,
        { method: call.method, headers, signal, ...(isSecure ? {} : { agent: AGENT }) },
        response => {
          readText(response).then(text => resolve({ status: response.statusCode ?? 0, headers: response.headers, text }), reject)
        },
      )
      sent.once('error', reject)
      sent.end(body ?? undefined)
    })
  }

  #failure(error: NodeJS.ErrnoException, timeoutMs: number): CommandError {
    if (error.name === 'AbortError' || error.name === 'TimeoutError') {
      return new CommandError('unreachable', `${this.#base} did not answer within ${timeoutMs} ms; ${this.#flag} says where to ask`)
    }
    const refused = error.code === 'ECONNREFUSED'
    const why = refused ? `nothing listens at ${this.#base}` : `${this.#base} cannot be reached: ${error.message}`
    const hint =
      this.#flag === '--api' ? `\`outrider control\` starts a control plane, and --api says where it is` : `${this.#flag} says where to ask`
    return new CommandError('unreachable', `${why}; ${hint}`)
  }
}

async function readText(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of response) {
    length += (chunk as Buffer).length
    if (length > MAX_ANSWER_BYTES) throw new Error(`the answer is longer than ${MAX_ANSWER_BYTES} octets`)
    chunks.push(chunk as Buffer)
  }
  return Buffer.concat(chunks).toString('utf8')
}

/** A problem document, as far as it is one. */
export interface ProblemBody {
  readonly detail?: string
  readonly errors?: readonly Fault[]
  readonly warnings?: readonly Fault[]
}

/** Reads the problem of an answer; an empty one where it is none. */
export function problemOf(answer: ApiAnswer): ProblemBody {
  try {
    const value: unknown = JSON.parse(answer.text)
    return typeof value === 'object' && value !== null ? (value as ProblemBody) : {}
  } catch {
    return {}
  }
}

function problemText(answer: ApiAnswer): string {
  const text = problemOf(answer).detail ?? answer.text.trim().slice(0, 1_000)
  return text === '' ? `the answer was ${answer.status}` : text
}
