import t from 'tap'
import { DEFAULT_BREAKER } from '../../../proxy/cluster/config.ts'
import type { PooledHost } from '../../../proxy/cluster/pool.ts'
import { MeshError } from '../../../proxy/errors.ts'
import { NAME, registryWorld } from './registry-support.ts'
import { config, endpoint, never } from './support.ts'

t.test('a cluster is summed up: endpoints and connections by state, and what its breakers have left', async t => {
  const { registry, eds, apply, get, connects } = registryWorld()
  const others = [endpoint('10.0.0.3', { health: 'unhealthy' }), endpoint('10.0.0.4', { health: 'draining' })]
  apply(
    [eds({ breaker: { ...DEFAULT_BREAKER, maxConnections: 3, maxRequests: 2 } })],
    [endpoint('10.0.0.1'), endpoint('10.0.0.2'), ...others],
  )
  const [first, second] = get().hosts as [PooledHost, PooledHost]
  second.connectFailed(new MeshError('UPSTREAM_CONNECT_REFUSED', 'refused'))
  const taken = get().acquire(first, never(), false)
  const kept = get().acquire(first, never(), false)
  await connects[0]?.accept()
  const idle = await connects[1]?.accept()
  await Promise.all([taken, kept])
  idle?.finish()
  void get().acquire(first, never(), true)
  get().enter()
  get().enter()
  const [totals] = [...registry.totals(name => name === NAME)]
  t.strictSame(totals?.endpoints, { healthy: 1, avoided: 1, unhealthy: 1, draining: 1 })
  t.strictSame(totals?.connections, { active: 1, idle: 1, connecting: 1, pending: 1 })
  t.strictSame(totals?.remaining, { connections: 0, pending: 1_023, requests: 0, retries: 1_024 })
  t.strictSame(totals?.open, { connections: 1, pending: 0, requests: 1, retries: 0 })
})

t.test('only clusters that are asked for are summed up; those that are leaving are among them', async t => {
  const { registry, eds, apply, get } = registryWorld()
  const app = config([endpoint('127.0.0.1')], { name: 'app' })
  registry.addApp(app)
  apply([eds(), eds({ name: 'default/other:80' })], [endpoint('10.0.0.1')])
  const asked: [string, boolean][] = []
  const found = [...registry.totals((name, isApp) => asked.push([name, isApp]) > 0 && name !== 'default/other:80')]
  t.strictSame(asked, [
    ['app', true],
    [NAME, false],
    ['default/other:80', false],
  ])
  t.strictSame(
    found.map(({ name, isApp }) => [name, isApp]),
    [
      ['app', true],
      [NAME, false],
    ],
  )
  get().enter()
  apply([])
  t.strictSame(
    [...registry.totals(() => true)].map(({ name }) => name),
    ['app', NAME],
  )
})
