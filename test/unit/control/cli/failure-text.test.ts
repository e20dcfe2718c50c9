import t from 'tap'
import { storiesOf } from '../../../../control/cli/failure-story.ts'
import { storyText } from '../../../../control/cli/failure-text.ts'
import { createOutput } from '../../../../control/cli/output.ts'
import { ADVICE } from '../../../../proxy/advice.ts'
import type { FailureRecord } from '../../../../proxy/telemetry/failure-record.ts'
import { failedTry, failureRecord, inboundRecord } from '../../telemetry/make-failure.ts'

const sink = { write() {}, isTty: false }
const output = createOutput(sink, sink, {})

/** All that is printed of these records, without what to do where that is the table's own. */
function told(records: readonly FailureRecord[], traces: string | null = null): string {
  return storiesOf(records)
    .map(story => storyText(story, traces, output))
    .join('\n\n')
    .replaceAll(/What to do: (.*)/g, (line, text) => {
      const code = Object.entries(ADVICE).find(([, { remedy }]) => remedy === text)?.[0]
      return code === undefined ? line : `What to do: <${code}>`
    })
}

const WHEN = '2026-01-02 03:04:05.678 UTC  '
const RULE = '  rule     HTTPRoute default/orders rule 1 (routes.yaml:12)'

interface Case {
  readonly title: string
  readonly records: readonly FailureRecord[]
  readonly text: string
}

const CASES: readonly Case[] = [
  {
    title: 'NR: nothing matches',
    records: [
      failureRecord({
        status: 404,
        flags: 'NR',
        code: 'NO_ROUTE',
        details: 'none of the 2 routes of outbound/default/orders:80 matches',
        attempts: 0,
        tries: [],
        origin: null,
        cluster: null,
        timeouts: null,
        retry: null,
        duration_ms: 0.2,
      }),
    ],
    text: `${WHEN}web sent GET http://orders/api/1 and got 404 after 0.2 ms.
  No route matches the request (NO_ROUTE, flag NR).
  reason   none of the 2 routes of outbound/default/orders:80 matches
  request  id-1
  What to do: <NO_ROUTE>
  Ask: outrider explain GET 'http://orders/api/1' --as web`,
  },
  {
    title: 'UH: no endpoint, with the state of each',
    records: [
      failureRecord({
        flags: 'UH',
        code: 'NO_HEALTHY_UPSTREAM',
        details: 'default/orders:80 has no endpoints',
        tries: [failedTry({ endpoint: null, code: 'NO_HEALTHY_UPSTREAM', message: 'default/orders:80 has no endpoints', duration_ms: 0 })],
      }),
    ],
    text: `${WHEN}web sent GET http://orders/api/1 and got 503 after 12 ms.
  No endpoint of the service can take the request (NO_HEALTHY_UPSTREAM, flag UH).
${RULE}, to default/orders:80
  try 1    no endpoint, at 0.2 ms, took 0 ms: NO_HEALTHY_UPSTREAM: default/orders:80 has no endpoints
  request  id-1
  What to do: <NO_HEALTHY_UPSTREAM>
  Ask: outrider explain GET 'http://orders/api/1' --as web`,
  },
  {
    title: 'UF: refused',
    records: [failureRecord()],
    text: `${WHEN}web sent GET http://orders/api/1 and got 503 after 12 ms.
  The endpoint refused the connection (UPSTREAM_CONNECT_REFUSED, flag UF).
${RULE}, to default/orders:80
  try 1    10.0.0.1:80, at 0.2 ms, took 1.5 ms: UPSTREAM_CONNECT_REFUSED: connecting to 10.0.0.1:80 failed: ECONNREFUSED
  request  id-1
  What to do: <UPSTREAM_CONNECT_REFUSED>`,
  },
  {
    title: 'UT: each try in vain, with the limits and where they were written',
    records: [
      failureRecord({
        status: 504,
        flags: 'URX,UT',
        code: 'PER_TRY_TIMEOUT',
        details: 'no response head after 100 ms',
        duration_ms: 353,
        attempts: 2,
        tries: [1, 2].map(number =>
          failedTry({
            number,
            started_ms: number * 100,
            duration_ms: 100.4,
            code: 'PER_TRY_TIMEOUT',
            message: 'no response head after 100 ms',
          }),
        ),
        timeouts: { request_ms: null, per_try_ms: 100, idle_ms: null },
        retry: { attempts: 1, on: ['per-try-timeout'], codes: [] },
        origins: { 'retry.perTryTimeout': 'TrafficPolicy default/p (p.yaml:9)', 'retry.attempts': 'TrafficPolicy default/p (p.yaml:8)' },
      }),
    ],
    text: `${WHEN}web sent GET http://orders/api/1 and got 504 after 353 ms and 2 tries.
  The service did not begin its answer in the time that the route gives to a try (PER_TRY_TIMEOUT, flags URX,UT).
${RULE}, to default/orders:80
  limit    100ms for each try, by TrafficPolicy default/p (p.yaml:9)
  limit    1 retry, by TrafficPolicy default/p (p.yaml:8)
  try 1    10.0.0.1:80, at 100 ms, took 100 ms: PER_TRY_TIMEOUT: no response head after 100 ms
  try 2    10.0.0.1:80, at 200 ms, took 100 ms: PER_TRY_TIMEOUT: no response head after 100 ms
  request  id-1
  What to do: <PER_TRY_TIMEOUT>`,
  },
  {
    title: "UT: the request's own time",
    records: [
      failureRecord({
        status: 504,
        flags: 'UT',
        code: 'REQUEST_TIMEOUT',
        details: "not over 500 ms after the request's last octet",
        tries: [failedTry({ code: 'REQUEST_TIMEOUT', message: "not over 500 ms after the request's last octet", duration_ms: 500 })],
        timeouts: { request_ms: 500, per_try_ms: null, idle_ms: null },
        trace_id: 'a'.repeat(32),
      }),
    ],
    text: `${WHEN}web sent GET http://orders/api/1 and got 504 after 12 ms.
  The answer was not whole in the time that the route gives (REQUEST_TIMEOUT, flag UT).
${RULE}, to default/orders:80
  limit    500ms for the request with all its tries
  try 1    10.0.0.1:80, at 0.2 ms, took 500 ms: REQUEST_TIMEOUT: not over 500 ms after the request's last octet
  request  id-1
  trace    ${'a'.repeat(32)}
  What to do: <REQUEST_TIMEOUT>`,
  },
  {
    title: 'UC: a kept-alive connection, and a method that is not sent twice',
    records: [
      failureRecord({
        method: 'POST',
        flags: 'UC',
        code: 'UPSTREAM_CLOSED',
        details: '10.0.0.1:80 closed a connection that had been kept alive',
        tries: [failedTry({ code: 'UPSTREAM_CLOSED', message: '10.0.0.1:80 closed a connection that had been kept alive' })],
      }),
    ],
    text: `${WHEN}web sent POST http://orders/api/1 and got 503 after 12 ms.
  The endpoint closed a kept-alive connection just when the request was sent (UPSTREAM_CLOSED, flag UC). It was not tried again, because POST must not be carried out twice.
${RULE}, to default/orders:80
  try 1    10.0.0.1:80, at 0.2 ms, took 1.5 ms: UPSTREAM_CLOSED: 10.0.0.1:80 closed a connection that had been kept alive
  request  id-1
  What to do: <UPSTREAM_CLOSED>`,
  },
  {
    title: 'UO: the circuit breaker',
    records: [
      failureRecord({
        flags: 'UO',
        code: 'UPSTREAM_OVERFLOW',
        details: 'default/orders:80: too many requests (maxRequests)',
        attempts: 0,
        tries: [],
      }),
    ],
    text: `${WHEN}web sent GET http://orders/api/1 and got 503 after 12 ms.
  Too much is in progress for the service: the circuit breaker is open (UPSTREAM_OVERFLOW, flag UO).
  reason   default/orders:80: too many requests (maxRequests)
${RULE}, to default/orders:80
  request  id-1
  What to do: <UPSTREAM_OVERFLOW>`,
  },
  {
    title: 'URX: the budget is spent',
    records: [
      failureRecord({
        flags: 'URX',
        code: null,
        details: null,
        stops: ['budget'],
        tries: [failedTry({ status: 503, code: null, message: null })],
      }),
    ],
    text: `${WHEN}web sent GET http://orders/api/1 and got 503 after 12 ms.
  Service orders answered 503 itself (flag URX). It was not tried again, because the retry budget of the service was spent.
${RULE}, to default/orders:80
  limit    2 retries
  try 1    10.0.0.1:80, at 0.2 ms, took 1.5 ms: answered 503
  request  id-1
  What to do: The app says that it cannot serve now: look at its log for the request id, and at its load.
  What to do: Many requests to this service fail: mend that first, because more retries would add load. \`retry.budget\` of the TrafficPolicy has the percentage.`,
  },
  {
    title: 'DC: the caller left',
    records: [
      failureRecord({
        status: 0,
        flags: 'DC',
        code: 'DOWNSTREAM_CLOSED',
        details: 'the downstream closed its connection before the answer was whole',
        tries: [
          failedTry({
            code: 'DOWNSTREAM_CLOSED',
            message: 'the downstream closed its connection before the answer was whole',
            duration_ms: 12,
          }),
        ],
      }),
    ],
    text: `${WHEN}web sent GET http://orders/api/1 and got no answer after 12 ms.
  The caller closed its connection before the answer was whole (DOWNSTREAM_CLOSED, flag DC).
${RULE}, to default/orders:80
  try 1    10.0.0.1:80, at 0.2 ms, took 12 ms: DOWNSTREAM_CLOSED: the downstream closed its connection before the answer was whole
  request  id-1
  What to do: <DOWNSTREAM_CLOSED>`,
  },
  {
    title: 'DPE: nothing that could be read',
    records: [
      failureRecord({
        direction: 'inbound',
        method: '',
        authority: '',
        path: null,
        status: 400,
        flags: 'DPE',
        code: 'DOWNSTREAM_PROTOCOL',
        details: 'a malformed Host',
        request_id: null,
        tries: [],
        origin: null,
        cluster: null,
        timeouts: null,
        retry: null,
      }),
    ],
    text: `${WHEN}127.0.0.1:4711 sent the inbound port of web something that is no request: it was answered 400.
  The request is not well-formed HTTP (DOWNSTREAM_PROTOCOL, flag DPE).
  reason   a malformed Host
  What to do: <DOWNSTREAM_PROTOCOL>`,
  },
  {
    title: 'a backend that does not exist',
    records: [
      failureRecord({
        status: 500,
        flags: 'NC',
        code: 'INVALID_BACKEND',
        details: 'the rule has no backend, or this share of it goes to one that does not exist',
        tries: [],
        cluster: null,
        attempts: 0,
      }),
    ],
    text: `${WHEN}web sent GET http://orders/api/1 and got 500 after 12 ms.
  The route leads to a service that does not exist (INVALID_BACKEND, flag NC).
  reason   the rule has no backend, or this share of it goes to one that does not exist
${RULE}
  request  id-1
  What to do: <INVALID_BACKEND>
  Ask: outrider explain GET 'http://orders/api/1' --as web`,
  },
  {
    title: "the app's own 500, seen by both sidecars: one story, the caller first",
    records: [
      inboundRecord(),
      failureRecord({
        status: 500,
        flags: '-',
        code: null,
        details: null,
        tries: [failedTry({ status: 500, code: null, message: null, duration_ms: 9 })],
        trace_id: 'b'.repeat(32),
      }),
    ],
    text: `${WHEN}web sent GET http://orders/api/1 and got 500 after 12 ms.
  Service orders answered 500 itself.
${RULE}, to default/orders:80
  try 1    10.0.0.1:80, at 0.2 ms, took 9 ms: answered 500
  orders (orders-1) received it and answered 500 after 8 ms.
    The app answered 500 itself.
    rule     --app, to app
    try 1    127.0.0.1:8080, at 0.2 ms, took 1.5 ms: answered 500
  request  id-1
  trace    http://127.0.0.1:15080/jaeger/trace/${'b'.repeat(32)}
  What to do: Look at the log of the app for the request id: the mesh only carried the answer.`,
  },
  {
    title: "an answer of the callee's sidecar, which is not there to be asked",
    records: [
      failureRecord({
        flags: '-',
        code: null,
        details: null,
        tries: [failedTry({ status: 503, code: 'APP_UNAVAILABLE', message: null })],
      }),
    ],
    text: `${WHEN}web sent GET http://orders/api/1 and got 503 after 12 ms.
  The sidecar of orders made this answer: The app behind the proxy does not take requests at present (APP_UNAVAILABLE).
${RULE}, to default/orders:80
  try 1    10.0.0.1:80, at 0.2 ms, took 1.5 ms: answered 503 (APP_UNAVAILABLE)
  request  id-1
  What to do: <APP_UNAVAILABLE>`,
  },
]

for (const { title, records, text } of CASES) {
  t.test(title, async t => t.equal(told(records, title.startsWith('the app') ? 'http://127.0.0.1:15080/jaeger/trace/' : null), text))
}

t.test('what comes from the network cannot steer a terminal, nor a shell that it is copied into', async t => {
  const text = told([
    failureRecord({
      flags: 'NR',
      code: 'NO_ROUTE',
      path: "/\u001b]0;x\u0007'$(id)",
      details: 'a\u009bb\rc',
    }),
  ])
  // biome-ignore lint/suspicious/noControlCharactersInRegex: none of them may be there
  t.notMatch(text, /[\x00-\x09\x0b-\x1f\x7f-\x9f]/)
  t.match(text, "outrider explain GET 'http://orders/?]0;x?%27$(id)' --as web")
  t.notMatch(told([failureRecord({ code: 'NO_ROUTE', method: 'A$B' })]), 'outrider explain A')
})
