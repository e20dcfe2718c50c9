import t from 'tap'
import { isFailure, recordOf, recordOfRefusal } from '../../../proxy/filter/access-record.ts'
import { identify } from '../../../proxy/filter/identify.ts'
import { Call, failure, requestHead, routed, shares } from './setup.ts'

t.test('an exchange is told by the keys of the access log, in their order', async t => {
  const call = new Call(
    requestHead({ path: '/a?b=1' }, [
      ['user-agent', 'curl/8'],
      ['x-request-id', 'id-7'],
    ]),
  )
  call.bytesIn = 3
  call.bytesOut = 5
  const { exchange, attempt } = routed(call)
  identify(exchange, shares())
  attempt.startedAt = 10
  attempt.settledAt = 12.5
  exchange.status = 200
  const record = recordOf(exchange, 20, 1_700_000_000_020)
  t.same(record, {
    time: '2023-11-14T22:13:20.000Z',
    direction: 'outbound',
    method: 'GET',
    authority: 'orders',
    path: '/a?b=1',
    protocol: 'HTTP/1.1',
    status: 200,
    flags: '-',
    code: null,
    duration_ms: 20,
    upstream_ms: 2.5,
    bytes_in: 3,
    bytes_out: 5,
    attempts: 1,
    route: 'r',
    origin: 'test',
    cluster: 'orders',
    endpoint: null,
    peer: '10.0.0.9:4000',
    trace_id: null,
    request_id: 'id-7',
    user_agent: 'curl/8',
    grpc_status: null,
    details: null,
  })
  t.notOk(isFailure(exchange))
})

t.test('a failure has its code and flag; what the app answered with 5xx is one too', async t => {
  const { exchange } = routed(new Call())
  exchange.status = 503
  t.ok(isFailure(exchange))
  exchange.status = 404
  t.notOk(isFailure(exchange))
  exchange.error = failure('NO_ROUTE')
  exchange.flags.add('NR')
  t.ok(isFailure(exchange))
  t.match(recordOf(exchange, 1, 1), { code: 'NO_ROUTE', flags: 'NR', attempts: 0, upstream_ms: null, request_id: null })
})

t.test('a failure says in words what happened, and why there was no other try', async t => {
  const { exchange } = routed(new Call())
  exchange.status = 503
  exchange.details.push('budget')
  t.equal(recordOf(exchange, 1, 1).details, 'budget', "the app's own answer, for want of another try")
  exchange.error = failure('NO_HEALTHY_UPSTREAM')
  t.equal(recordOf(exchange, 1, 1).details, 'NO_HEALTHY_UPSTREAM at 10.0.0.7:8080; budget')
  exchange.details.length = 0
  t.equal(recordOf(exchange, 1, 1).details, 'NO_HEALTHY_UPSTREAM at 10.0.0.7:8080')
})

t.test('what was refused before there was an exchange is told with what could be read of it', async t => {
  const refusal = {
    direction: 'inbound',
    peer: { address: '::1', port: 9, identity: null },
    error: failure('DOWNSTREAM_SLOW_HEAD'),
    head: null,
  } as const
  t.match(recordOfRefusal(refusal, 0), {
    status: 408,
    flags: 'DPE',
    code: 'DOWNSTREAM_SLOW_HEAD',
    peer: '[::1]:9',
    path: null,
    details: /^DOWNSTREAM_SLOW_HEAD at/,
  })
  t.match(recordOfRefusal({ ...refusal, head: requestHead() }, 0), { method: 'GET', authority: 'orders', path: '/' })
})
