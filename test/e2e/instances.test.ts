import t, { type Test } from 'tap'
import { hostsOf, stateOf, statsOf, untilHealthy } from '../support/e2e/ask.ts'
import { Load } from '../support/e2e/load.ts'
import { Mesh, type Sidecar } from '../support/e2e/mesh.ts'
import { until, wait } from '../support/e2e/process.ts'

async function scene(t: Test): Promise<{ mesh: Mesh; web: Sidecar; orders: Sidecar[] }> {
  const mesh = new Mesh()
  t.teardown(() => mesh.stop())
  await mesh.startControl()
  const instance = () => mesh.startSidecar('orders', { env: { DELAY_MS: '5' } })
  const [web, ...orders] = await Promise.all([mesh.startSidecar('web'), instance(), instance(), instance()])
  await untilHealthy(web, 'orders', 3)
  return { mesh, web, orders }
}

function kill({ proxy, app }: Sidecar): void {
  proxy.signal('SIGKILL')
  app?.signal('SIGKILL')
}

t.test(
  'one of three instances killed: only what may not be sent twice and was in flight there fails; it is UNHEALTHY within 2 s, and gone 30 s later',
  async t => {
    const { web, orders } = await scene(t)
    const [gone] = orders as [Sidecar]
    const gets = new Load({ via: web.outbound, host: 'orders', perSecond: 500 })
    const posts = new Load({ via: web.outbound, host: 'orders', perSecond: 100, method: 'POST', body: 'x'.repeat(100) })
    await wait(2_000)
    const killedAt = performance.now()
    kill(gone)
    await gone.proxy.exited
    const deadAt = performance.now()
    await until('it is UNHEALTHY', async () => (await stateOf(web, 'orders', gone)) === 'unhealthy', 5_000)
    // From the break of its stream, which is its death.
    const unhealthyMs = performance.now() - deadAt
    t.ok(unhealthyMs < 2_000, `UNHEALTHY after ${unhealthyMs.toFixed(0)} ms`)
    await until('it is removed', async () => (await stateOf(web, 'orders', gone)) === 'none', 36_000)
    const removedMs = performance.now() - killedAt
    t.ok(removedMs > 29_000, `removed after ${removedMs.toFixed(0)} ms`)
    t.equal((await hostsOf(web, 'orders')).length, 2)
    await Promise.all([gets.stop(), posts.stop()])
    t.equal(gets.failures.length, 0, `GET: ${gets.summary()}`)
    // A process dies a moment after it was told to: what was sent until it had is in flight there, too.
    const inFlight = posts.outcomes.filter(({ at, ms }) => at < deadAt && at + ms > killedAt)
    t.ok(
      posts.failures.every(failure => inFlight.includes(failure)),
      `POST, with ${inFlight.length} in flight while it died (${(deadAt - killedAt).toFixed(0)} ms): ${posts.summary()}`,
    )
    t.ok(deadAt - killedAt < 500)
  },
)

t.test('a sidecar that is silent (SIGSTOP) is UNHEALTHY after 10 s, and healthy when it speaks again', async t => {
  const { web, orders } = await scene(t)
  const [silent] = orders as [Sidecar]
  const stoppedAt = performance.now()
  silent.proxy.signal('SIGSTOP')
  await until('it is UNHEALTHY', async () => (await stateOf(web, 'orders', silent)) === 'unhealthy', 14_000)
  const ms = performance.now() - stoppedAt
  // The last heartbeat may be 3 s old when it is stopped.
  t.ok(ms > 6_500 && ms < 13_000, `UNHEALTHY after ${ms.toFixed(0)} ms`)
  silent.proxy.signal('SIGCONT')
  await untilHealthy(web, 'orders', 3)
})

t.test('an app that is down behind a sidecar that is up: every POST goes elsewhere and none fails', async t => {
  const { web, orders } = await scene(t)
  const [broken] = orders as [Sidecar]
  // Before there is load, so that nothing is in flight there: until the probe has missed it twice, it is registered as ready.
  broken.app?.signal('SIGKILL')
  await broken.app?.exited
  const posts = new Load({ via: web.outbound, host: 'orders', perSecond: 500, method: 'POST', body: 'x'.repeat(100) })
  await until('its callers know', async () => !['healthy', 'avoided'].includes(await stateOf(web, 'orders', broken)))
  await wait(1_000)
  await posts.stop()
  t.equal(posts.failures.length, 0, posts.summary())
  t.ok(((await statsOf(web)).counters['retries_succeeded'] ?? 0) > 0, 'some had to go elsewhere')
  t.match(await statsOf(broken), { active: { inbound: 0 } })
})
