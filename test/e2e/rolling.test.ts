import t, { type Test } from 'tap'
import { untilHealthy } from '../support/e2e/ask.ts'
import { Load } from '../support/e2e/load.ts'
import { Mesh, type Sidecar } from '../support/e2e/mesh.ts'
import { wait } from '../support/e2e/process.ts'

/** Rounds of the rolling restart; the ten with `OUTRIDER_LONG=1`, fewer in CI. */
const isLong = process.env['OUTRIDER_LONG'] === '1'
const ROUNDS = isLong ? 10 : 3
const RUN_ROUNDS = isLong ? 10 : 2
const LEFT = /left orders: (\d+) of \1 callers know, \d+ ms/

async function scene(t: Test, start: (mesh: Mesh) => Promise<Sidecar>): Promise<{ mesh: Mesh; web: Sidecar; orders: Sidecar[] }> {
  const mesh = new Mesh()
  t.teardown(() => mesh.stop())
  await mesh.startControl()
  const [web, ...orders] = await Promise.all([mesh.startSidecar('web'), start(mesh), start(mesh), start(mesh)])
  await untilHealthy(web, 'orders', 3)
  return { mesh, web, orders }
}

t.test(`a rolling restart of all three instances, ${ROUNDS} rounds, under 500 requests/s loses no request of any method`, async t => {
  const start = (mesh: Mesh) => mesh.startSidecar('orders', { env: { DELAY_MS: '5' } })
  const { mesh, web, orders } = await scene(t, start)
  const gets = new Load({ via: web.outbound, host: 'orders', perSecond: 400 })
  const posts = new Load({ via: web.outbound, host: 'orders', perSecond: 100, method: 'POST', body: 'x'.repeat(100) })
  await wait(500)
  for (let round = 0; round < ROUNDS; round++) {
    for (const [index, old] of orders.entries()) {
      t.same(await old.proxy.stop('SIGTERM'), { code: 0, signal: null }, `round ${round}: the sidecar left cleanly`)
      t.match(old.proxy.stderr, LEFT)
      await old.app?.stop()
      orders[index] = await start(mesh)
    }
  }
  await wait(500)
  await Promise.all([gets.stop(), posts.stop()])
  t.equal(gets.failures.length, 0, `GET: ${gets.summary()}`)
  t.equal(posts.failures.length, 0, `POST: ${posts.summary()}`)
})

t.test(
  `a rolling restart of the apps with their sidecars under \`outrider run\`, ${RUN_ROUNDS} rounds, loses no request of any method`,
  async t => {
    const start = (mesh: Mesh) => mesh.startRun('orders', { env: { DELAY_MS: '5' } })
    const { mesh, web, orders } = await scene(t, start)
    const gets = new Load({ via: web.outbound, host: 'orders', perSecond: 400 })
    const posts = new Load({ via: web.outbound, host: 'orders', perSecond: 100, method: 'POST', body: 'x'.repeat(100) })
    await wait(500)
    for (let round = 0; round < RUN_ROUNDS; round++) {
      for (const [index, old] of orders.entries()) {
        const began = performance.now()
        t.same(await old.proxy.stop('SIGTERM'), { code: 0, signal: null }, `round ${round}: the exit code is the app's`)
        const ms = performance.now() - began
        t.ok(ms < 4_000, `it took ${ms.toFixed(0)} ms to leave`)
        t.match(old.proxy.stderr, LEFT)
        orders[index] = await start(mesh)
      }
      await untilHealthy(web, 'orders', 3)
    }
    await wait(500)
    await Promise.all([gets.stop(), posts.stop()])
    t.equal(gets.failures.length, 0, `GET: ${gets.summary()}`)
    t.equal(posts.failures.length, 0, `POST: ${posts.summary()}`)
  },
)
