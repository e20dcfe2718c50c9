import { type ErrorCode, MeshError } from '../../../proxy/errors.ts'
import { retry } from '../../../proxy/filter/retry.ts'
import { errorReply } from '../../../proxy/http/reply.ts'
import type { RetryPolicy, Route } from '../../../proxy/route/route.ts'
import { Counters } from '../../../proxy/util/counters.ts'
import type { HandBody } from '../http/hand-body.ts'
import { Call, requestHead, type response, routed, routeTo, run, shares, Time, Upstream } from './setup.ts'

/** Of one exchange under retry. */
export interface Options {
  method?: string
  fields?: [string, string][]
  body?: HandBody
  policy?: Partial<RetryPolicy> | null
  direction?: 'inbound' | 'outbound'
  cluster?: string
  random?: number[]
}

/** One exchange with its first try made. */
export function setUp(options: Options = {}) {
  const time = new Time()
  const upstream = new Upstream()
  const counters = new Counters()
  const call = new Call(requestHead({ method: options.method ?? 'GET' }, options.fields), options.body)
  const route: Route = routeTo('orders', options.policy)
  const { exchange, attempt } = routed(call, route, options.direction, options.cluster)
  const filter = retry({
    clusters: upstream,
    timers: time.wheel,
    random: shares(...(options.random ?? [])),
    counters,
    passthrough: 'passthrough',
  })
  const result = run(filter, upstream.handler, exchange, attempt)
  return { time, upstream, counters, call, exchange, result }
}

/** Answers the first try and says whether another one came. */
export async function isRetried(answer: ReturnType<typeof response> | MeshError, options: Options = {}): Promise<boolean> {
  const { upstream, time } = setUp(options)
  await upstream.answer(0, answer)
  await time.pass(300)
  return upstream.asked.length === 2
}

/** What a sidecar answers when its app has seen nothing. */
export const receipt = (code: ErrorCode) => errorReply(new MeshError(code, ''), 'GET', null)
/** Fields with a key. */
export const KEY: [string, string][] = [['idempotency-key', 'k1']]
