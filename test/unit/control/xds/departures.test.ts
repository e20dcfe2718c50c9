import t from 'tap'
import { type Caller, Departures, type Progress } from '../../../../control/xds/departures.ts'

class SomeCaller implements Caller {
  readonly node: string
  readonly clusters: readonly string[]
  endpointSerial = 1

  constructor(node: string, clusters: readonly string[] = ['orders']) {
    this.node = node
    this.clusters = clusters
  }

  isCallerOf(clusters: readonly string[]): boolean {
    return clusters.some(each => this.clusters.includes(each))
  }
}

function setup(...callers: SomeCaller[]) {
  const present = new Set<Caller>(callers)
  const deferred: (() => void)[] = []
  const departures = new Departures(
    () => present,
    run => deferred.push(run),
  )
  const reports: Progress[] = []
  const turn = () => {
    for (const run of deferred.splice(0)) run()
  }
  const begin = () => departures.begin('leaver', ['orders'], 5, progress => reports.push(progress))
  return { present, deferred, departures, reports, turn, begin }
}

t.test('nobody calls it: all know at once', async t => {
  const { reports, begin } = setup(new SomeCaller('leaver'), new SomeCaller('other', ['web']))
  begin()
  t.same(reports, [{ callers: 0, callersThatKnow: 0, isKnownToAll: true }])
})

t.test('each caller that acknowledges is reported once, the last time when all know', async t => {
  const [a, b] = [new SomeCaller('a'), new SomeCaller('b')]
  const { departures, reports, turn, begin } = setup(a, b)
  begin()
  departures.check()
  turn()
  t.equal(reports.length, 1, 'nothing changed')
  a.endpointSerial = 5
  departures.check()
  turn()
  b.endpointSerial = 6
  departures.check()
  turn()
  t.same(
    reports.map(({ callers, callersThatKnow, isKnownToAll }) => [callers, callersThatKnow, isKnownToAll]),
    [
      [2, 0, false],
      [2, 1, false],
      [2, 2, true],
    ],
  )
  a.endpointSerial = 1
  departures.check()
  turn()
  t.equal(reports.length, 3, 'it is over')
})

t.test('a caller that disconnects no longer counts', async t => {
  const a = new SomeCaller('a')
  const { present, departures, reports, turn, begin } = setup(a)
  begin()
  present.delete(a)
  departures.check()
  turn()
  t.match(reports.at(-1), { callers: 0, isKnownToAll: true })
})

t.test('many checks of one turn make one look, and none is made when nobody leaves', async t => {
  const { deferred, departures, turn, begin } = setup(new SomeCaller('a'))
  departures.check()
  t.equal(deferred.length, 0)
  begin()
  for (let i = 0; i < 5; i++) departures.check()
  t.equal(deferred.length, 1)
  turn()
  departures.check()
  t.equal(deferred.length, 1)
})

t.test('who stops listening hears nothing more', async t => {
  const a = new SomeCaller('a')
  const { departures, reports, turn, begin } = setup(a)
  begin()()
  a.endpointSerial = 5
  departures.check()
  turn()
  t.equal(reports.length, 1)
})
