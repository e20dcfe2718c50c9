import type { ChildProcess } from 'node:child_process'
import t from 'tap'
import { hints } from '../../../../control/cli/demo/hints.ts'
import { jaegerFlags } from '../../../../control/cli/demo/jaeger.ts'
import type { Part } from '../../../../control/cli/demo/process.ts'
import { View } from '../../../../control/cli/demo/view.ts'

const ALIVE = { exitCode: null, signalCode: null } as ChildProcess

function part(name: string, ready: Record<string, string>): Part {
  return { name, child: ALIVE, ready }
}

const PARTS = [
  part('control plane', { api: '127.0.0.1:15080', pid: '1' }),
  part('client', { outbound: '127.0.0.1:15001', admin: '127.0.0.1:15000', pid: '2' }),
  part('orders v2', { pid: '3' }),
]
const WINDOW = { requests: 2, failed: 0, byVersion: new Map([['orders v1', 2]]), failures: new Map(), medianMs: 1.25 }

t.test('hints leave addresses out where they are the defaults, and name Jaeger only where it runs', async t => {
  t.match(hints(PARTS, 'split.yaml'), [
    /^curl -x http:\/\/127.0.0.1:15001 /,
    /-f split.yaml {2,}/,
    /--admin 127.0.0.1:15000$/,
    'npx outrider proxies',
    /^kill -9 3 /,
  ])
  const moved = [part('Jaeger', {}), part('control plane', { api: '127.0.0.1:7' }), ...PARTS.slice(1)]
  t.match(hints(moved, 'split.yaml').slice(3), [
    'npx outrider proxies --api http://127.0.0.1:7',
    /^kill/,
    /^http:\/\/127.0.0.1:7\/jaeger\/ /,
  ])
})

t.test('the view shows a trace where there is one', async t => {
  let trace: string | null = null
  const view = new View({ parts: PARTS, hints: ['try this'], trace: () => trace })
  t.equal(view.line(WINDOW, 9, 1), '2 requests, 0 failed, median 1.3 ms; orders v1 100 %; 9 in all, 1 failed')
  t.notMatch(view.screen(WINDOW, 9, 1), 'trace')
  trace = 'http://127.0.0.1:15080/jaeger/trace/1'
  t.match(view.line(WINDOW, 9, 1), /; a trace: http:\/\/127.0.0.1:15080\/jaeger\/trace\/1; 9 in all/)
  t.match(view.screen(WINDOW, 9, 1), /\n {2}try this\n {2}http:\/\/127.0.0.1:15080\/jaeger\/trace\/1 {2,}\(one of the last traces\)\n/)
})

t.test('every listener of Jaeger is on loopback', async t => {
  const flags = jaegerFlags({ otlp: '127.0.0.1:1', query: '127.0.0.1:2', admin: '127.0.0.1:3', collector: '127.0.0.1:4' })
  const listeners = flags.filter(flag => flag.includes('host-port='))
  t.equal(listeners.length, 11)
  for (const flag of listeners) t.match(flag, /=127\.0\.0\.1:\d$/)
  t.ok(flags.includes('--query.base-path=/jaeger'))
})
