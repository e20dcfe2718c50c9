import t, { type Test } from 'tap'
import { RunningApi } from './running-api.ts'

async function start(t: Test): Promise<RunningApi> {
  const api = await new RunningApi().start()
  t.teardown(() => api.stop())
  return api
}

t.test('what the sidecars have kept is merged by time, and those that did not answer are named', async t => {
  const api = await start(t)
  api.failures = new Map([
    ['a', [{ time: '2026-01-01T00:00:01.000Z', code: 'X' }]],
    ['b', [{ time: '2026-01-01T00:00:00.000Z' }, { time: '2026-01-01T00:00:02.000Z' }]],
  ])
  api.silent = ['c']
  const { status, json } = await api.call('GET', '/v1/failures?last=2')
  t.equal(status, 200)
  t.same(json, {
    items: [{ time: '2026-01-01T00:00:01.000Z', code: 'X' }, { time: '2026-01-01T00:00:02.000Z' }],
    silent: ['c'],
    asked: 3,
    omitted: 0,
  })
})

t.test('the question reaches the sidecars as it was asked', async t => {
  const api = await start(t)
  await api.call('GET', '/v1/failures?id=a%20b&service=orders&namespace=shop&last=1000')
  await api.call('GET', '/v1/failures')
  t.same(api.questions, [
    { id: 'a b', last: 1_000, service: 'orders', namespace: 'shop' },
    { id: null, last: 20, service: null, namespace: null },
  ])
})

t.test('a question that makes no sense is refused with the parameter, and one too many with 503', async t => {
  const api = await start(t)
  for (const [query, detail] of [
    ['last=0', /last: must be >= 1/],
    ['last=1001', /last: must be <= 1000/],
    ['id=', /id: must NOT have fewer than 1 characters/],
    ['sevice=x', /sevice: unknown parameter/],
  ] as const) {
    const { status, json } = await api.call('GET', `/v1/failures?${query}`)
    t.equal(status, 400)
    t.match(json.detail, detail)
  }
  t.same(api.questions, [])
  api.silent = null
  const { status, json } = await api.call('GET', '/v1/failures')
  t.equal(status, 503)
  t.match(json.detail, /being asked already/)
})
