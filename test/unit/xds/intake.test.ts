import { create } from '@bufbuild/protobuf'
import { test } from 'tap'
import { DeltaDiscoveryResponseSchema } from '../../../protos/gen/envoy/service/discovery/v3/discovery_pb.ts'
import { Intake, MAX_WAITING, SLICE } from '../../../proxy/xds/intake.ts'

function intake() {
  const deferred: (() => void)[] = []
  const taken: string[] = []
  const made = new Intake<ReturnType<typeof work>>(
    {
      prepare: work => work.ahead-- > 0,
      slice: ({ name }, from, to) => taken.push(`${name} ${from}-${to}`),
      done: ({ name }) => taken.push(`${name} done`),
    },
    run => deferred.push(run),
  )
  return { made, deferred, taken }
}

function work(name: string, count: number) {
  return { name, ahead: 0, response: create(DeltaDiscoveryResponseSchema, { resources: Array.from({ length: count }, () => ({})) }) }
}

test('a small response is taken at once, a large one in slices, and those behind it in their order', async t => {
  const { made, deferred, taken } = intake()
  made.push(work('small', 1))
  t.strictSame(taken.splice(0), ['small 0-1', 'small done'])
  made.push(work('large', SLICE * 2 + 1))
  made.push(work('empty', 0))
  t.strictSame(taken.splice(0), [`large 0-${SLICE}`])
  deferred.shift()?.()
  t.strictSame(taken.splice(0), [`large ${SLICE}-${SLICE * 2}`])
  deferred.shift()?.()
  t.strictSame(taken, [`large ${SLICE * 2}-${SLICE * 2 + 1}`, 'large done', 'empty 0-0', 'empty done'])
})

test('what can be read ahead is, a piece a turn, before the first slice', async t => {
  const { made, deferred, taken } = intake()
  made.push({ ...work('host', 1), ahead: 2 })
  t.strictSame(taken, [])
  deferred.shift()?.()
  t.strictSame(taken, [])
  deferred.shift()?.()
  t.strictSame(taken, ['host 0-1', 'host done'])
  t.equal(deferred.length, 0)
})

test('what is forgotten is not taken any more, and what comes after it is', async t => {
  const { made, deferred, taken } = intake()
  made.push(work('large', SLICE + 1))
  made.forget()
  made.push(work('next', 1))
  for (const run of deferred) run()
  t.strictSame(taken, [`large 0-${SLICE}`, 'next 0-1', 'next done'])
})

test('responses that wait are limited', async t => {
  const { made } = intake()
  for (let count = 0; count < MAX_WAITING; count++) t.ok(made.push(work('large', SLICE + 1)))
  t.notOk(made.push(work('one more', 0)))
})
