import { spawn } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import { CommandError } from '../exit-codes.ts'
import { freePorts } from '../free-port.ts'
import { hasEnded, Kept, type Part } from './process.ts'

/** Longest wait for Jaeger to say that it is ready. It takes less than 3 s. */
const JAEGER_START_MS = 30_000
/** For one look at whether it is. */
const JAEGER_LOOK_MS = 1_000
/** Traces that Jaeger keeps; it forgets the oldest. At the demo's rate five minutes' worth. */
const KEPT_TRACES = 10_000

/** Where the demo's Jaeger is. */
export interface DemoJaeger {
  /** OTLP over gRPC, for those who send spans. */
  readonly otlp: string
  /** Its pages, below /jaeger. */
  readonly query: string
}

/**
 * Starts Jaeger's all-in-one program, version 1, with every listener on a free port of loopback, and waits until it is ready. Rejects with what it said
 * when it does not come up.
 * @param parts gets it at once.
 */
export async function startJaeger(
  parts: Part[],
  binary: string,
  env: NodeJS.ProcessEnv,
  isOver: { readonly is: boolean },
): Promise<DemoJaeger> {
  const [otlp, query, admin, collector] = (await freePorts('127.0.0.1', 4)).map(port => `127.0.0.1:${port}`) as [
    string,
    string,
    string,
    string,
  ]
  if (isOver.is) throw new CommandError('failed', 'Jaeger was not started: the demo ends')
  // Its own spans are not what anybody looks for here.
  const child = spawn(binary, jaegerFlags({ otlp, query, admin, collector }), {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...env, OTEL_TRACES_SAMPLER: 'always_off' },
  })
  if (child.pid === undefined) throw await new Promise(resolve => child.once('error', error => resolve(notStarted(binary, error))))
  const part: Part = { name: 'Jaeger', child, ready: {} }
  parts.push(part)
  const said = new Kept(child.stderr)
  const until = performance.now() + JAEGER_START_MS
  while (!(await isReady(`http://${admin}/`))) {
    if (hasEnded(part))
      throw new CommandError(
        'failed',
        `--jaeger ${binary} ended before it was ready; it must be Jaeger's all-in-one program, version 1: ${said.last()}`,
      )
    if (performance.now() > until) {
      child.kill('SIGKILL')
      throw new CommandError(
        'failed',
        `--jaeger ${binary} was not ready within ${JAEGER_START_MS / 1_000} s; it must be Jaeger's all-in-one program, version 1: ${said.last()}`,
      )
    }
    await sleep(50)
  }
  part.ready = { pid: String(child.pid), otlp, query }
  return { otlp: `http://${otlp}`, query: `http://${query}` }
}

/** `HOST:PORT` of those of Jaeger's listeners that somebody uses. */
export interface JaegerAddresses {
  readonly otlp: string
  readonly query: string
  readonly admin: string
  /** Jaeger's own agent sends there. */
  readonly collector: string
}

/** Jaeger's command line. By default it listens on all addresses, and one port that is taken ends it. */
export function jaegerFlags({ otlp, query, admin, collector }: JaegerAddresses): readonly string[] {
  const listeners = {
    'collector.otlp.grpc.host-port': otlp,
    'query.http-server.host-port': query,
    'admin.http.host-port': admin,
    'collector.grpc-server.host-port': collector,
  }
  const unused = [
    'collector.otlp.http.host-port',
    'collector.http-server.host-port',
    'query.grpc-server.host-port',
    'http-server.host-port',
  ]
  const processors = ['zipkin-compact', 'jaeger-compact', 'jaeger-binary'].map(name => `processor.${name}.server-host-port`)
  return [
    ...Object.entries(listeners).map(([name, address]) => `--${name}=${address}`),
    ...[...unused, ...processors].map(name => `--${name}=127.0.0.1:0`),
    '--query.base-path=/jaeger',
    `--memory.max-traces=${KEPT_TRACES}`,
    '--log-level=error',
  ]
}

async function isReady(url: string): Promise<boolean> {
  try {
    const { ok } = await fetch(url, { signal: AbortSignal.timeout(JAEGER_LOOK_MS) })
    return ok
  } catch {
    return false
  }
}

function notStarted(binary: string, error: NodeJS.ErrnoException): CommandError {
  const why =
    { ENOENT: 'there is no such program', EACCES: 'it may not be executed', ENOEXEC: 'it is no program' }[error.code ?? ''] ?? error.message
  return new CommandError('failed', `--jaeger ${binary} cannot be started: ${why}; it must be Jaeger's all-in-one program, version 1`)
}
