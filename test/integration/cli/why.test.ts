import t, { type Test } from 'tap'
import { COMMANDS } from '../../../control/cli/commands.ts'
import { dispatch } from '../../../control/cli/dispatch.ts'
import { failureRecord, inboundRecord } from '../../unit/telemetry/make-failure.ts'
import { RunningApi } from '../api/running-api.ts'

async function outrider(...words: string[]) {
  let out = ''
  let err = ''
  const sink = (write: (text: string) => void) => ({ write, isTty: false })
  const code = await dispatch({
    words,
    environment: {},
    out: sink(text => {
      out += text
    }),
    err: sink(text => {
      err += text
    }),
    commands: COMMANDS,
  })
  return { code, out, err }
}

async function start(t: Test): Promise<RunningApi> {
  const api = await new RunningApi().start()
  t.teardown(() => api.stop())
  return api
}

t.test('why tells the story of one request, and exits 0', async t => {
  const api = await start(t)
  api.failures = new Map([
    ['web-1', [failureRecord({ status: 500, flags: '-', code: null, details: null, tries: [] })]],
    ['orders-1', [inboundRecord()]],
  ])
  const { code, out, err } = await outrider('why', 'id-1', '--api', api.base)
  t.same([code, err], [0, ''])
  t.match(out, /^2026-01-02 03:04:05\.678 UTC {2}web sent GET http:\/\/orders\/api\/1 and got 500 after 12 ms\.\n/)
  t.match(out, /\n {2}rule {5}HTTPRoute default\/orders rule 1 \(routes\.yaml:12\), to default\/orders:80\n/)
  t.match(out, /\n {2}orders \(orders-1\) received it and answered 500 after 8 ms\.\n/)
  t.match(out, /\n {2}What to do: Look at the log of the app/)
  t.match(api.questions, [{ id: 'id-1', last: 100, service: null, namespace: null }])
})

t.test('without an id it tells the last failures, also of one service', async t => {
  const api = await start(t)
  api.failures = new Map([['web-1', ['a', 'b'].map(id => failureRecord({ request_id: id }))]])
  const { code, out } = await outrider('why', '--last', '5', '--service', 'orders', '-n', 'shop', '--api', api.base)
  t.equal(code, 0)
  t.equal(out.match(/UTC {2}web sent/g)?.length, 2)
  await outrider('why', '--api', api.base)
  t.same(api.questions, [
    { id: null, last: 5, service: 'orders', namespace: 'shop' },
    { id: null, last: 20, service: null, namespace: null },
  ])
})

t.test('nothing found is exit code 1, with the reasons why that may be', async t => {
  const api = await start(t)
  api.failures = new Map([['web-1', []]])
  api.silent = ['orders-1', 'orders-2']
  const { code, out, err } = await outrider('why', 'nope', '--api', api.base)
  t.same([code, out], [1, ''])
  t.equal(
    err,
    'outrider why: nothing is known of nope: 1 of 3 sidecars answered; only failures are kept (a 5xx, what a sidecar answered itself, what was broken off), the last 1,000 of each sidecar since its start\n' +
      'outrider why: 2 of 3 sidecars did not answer (orders-1, orders-2): what only they have seen is missing\n',
  )
  const json = await outrider('why', '-o', 'json', '--api', api.base)
  t.equal(json.code, 1)
  t.same(JSON.parse(json.out), { items: [], silent: ['orders-1', 'orders-2'], asked: 3, omitted: 0 })
})

t.test('sidecars that did not answer are named beside what was found', async t => {
  const api = await start(t)
  api.failures = new Map([['web-1', [failureRecord()]]])
  api.silent = ['a', 'b', 'c', 'd', 'e', 'f']
  const { code, err } = await outrider('why', '--api', api.base)
  t.equal(code, 0)
  t.equal(err, 'warning: 6 of 7 sidecars did not answer (a, b, c, d, e and 1 more): what only they have seen is missing\n')
})

t.test('where the control plane shows traces, a sampled one has its address; where it does not, its id', async t => {
  const trace = 'c'.repeat(32)
  for (const jaeger of [null, new URL('http://127.0.0.1:16686')]) {
    const api = new RunningApi()
    api.jaeger = jaeger
    api.failures = new Map([['web-1', [failureRecord({ trace_id: trace })]]])
    await api.start()
    t.teardown(() => api.stop())
    const { out } = await outrider('why', trace, '--api', api.base)
    t.match(out, `\n  trace    ${jaeger === null ? '' : `${api.base}/jaeger/trace/`}${trace}\n`)
  }
})
