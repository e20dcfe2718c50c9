import t from 'tap'
import { clockCheck, skewOf } from '../../../../../control/cli/check/clock.ts'
import { diskCheck } from '../../../../../control/cli/check/disk.ts'
import { dnsCheck } from '../../../../../control/cli/check/dns.ts'
import { openFilesCheck, WANTED_OPEN_FILES } from '../../../../../control/cli/check/open-files.ts'
import { portsCheck } from '../../../../../control/cli/check/ports.ts'
import { runtimeCheck } from '../../../../../control/cli/check/runtime.ts'
import { control, facts, MACHINE, run, sidecar } from './support.ts'

t.test('node: one that is too old is a fault', async t => {
  t.same((await run(runtimeCheck, {})).said, ['ok: Node 26.10.0 on linux'])
  t.same((await run(runtimeCheck, { nodeVersion: '24.1.0' })).said, ['fault: Node 24.1.0 is too old; 26 is needed'])
})

t.test('open-files: compared with what a full listener needs', async t => {
  const said = async (limit: number | null) => (await run(openFilesCheck, { openFiles: () => limit })).said[0]
  t.equal(await said(WANTED_OPEN_FILES), 'ok: a process may open 20100 files')
  t.equal(await said(Number.POSITIVE_INFINITY), 'ok: a process may open any number of files')
  t.equal(await said(4_096), 'warning: a process may open 4096 files: about 1998 connections, and a listener takes 10000')
  t.equal(await said(256), 'fault: a process may open 256 files: about 78 connections, then they are refused')
  t.equal(await said(50), 'fault: a process may open 50 files: about 0 connections, then they are refused')
  t.match(await said(null), /^skipped: only Linux says/)
})

t.test('disk: a folder that cannot be written, is none, or is nearly full', async t => {
  const folder = MACHINE.folder('/data')
  const said = async (more: object, path = '/data') =>
    (await run(diskCheck, { folder: () => folder && { ...folder, path, ...more } })).said[0]
  t.equal(await said({}), 'ok: /data is writable, 1,048,576 MiB left')
  t.equal(await said({ isThere: false }, '/'), 'ok: /data can be made, and is writable, 1,048,576 MiB left')
  t.equal(await said({ isWritable: false }), 'fault: /data cannot be written by this user')
  t.equal(
    await said({ isThere: false, isWritable: false }, '/'),
    'fault: /data is not there and cannot be made: / cannot be written by this user',
  )
  t.equal(await said({ isFolder: false }), 'fault: /data is no folder')
  t.equal(await said({ freeBytes: 2 ** 20 }), 'fault: /data has 1 MiB left: nothing will be stored')
  t.equal(await said({ freeBytes: 2 ** 29 }), 'warning: /data has 512 MiB left; a full store takes 1,024 MiB')
  t.same((await run(diskCheck, { folder: () => null })).said, ['fault: /data cannot be looked at'])
})

t.test('dns: localhost, the names of flags, and whether any server answers', async t => {
  t.same((await run(dnsCheck, {})).said, ['ok: localhost is this machine, and the name server 10.0.0.2 answers'])
  t.same((await run(dnsCheck, { lookup: async () => ({ ok: true, addresses: ['93.184.216.34'] }) })).said, [
    'fault: localhost is 93.184.216.34, which is not this machine alone',
  ])
  const unknown = {
    lookup: async (host: string) => (host === 'localhost' ? MACHINE.lookup(host) : { ok: false as const, why: 'there is no such name' }),
  }
  const asked = {
    api: { url: 'http://control:15080', isGiven: true },
    control: { address: { host: 'control.mesh', port: 1 }, isGiven: true },
    app: { host: 'app', port: 1 },
  }
  t.same((await run(dnsCheck, unknown, facts({ asked }))).said, [
    'fault: control (--api) does not resolve: there is no such name',
    'fault: control.mesh (--control) does not resolve: there is no such name',
    'fault: app (--app) does not resolve: there is no such name',
  ])
  const silent = await run(dnsCheck, { resolverFailure: async () => 'no answer within 2000 ms' })
  t.same(silent.said, ['warning: the name server 10.0.0.2 does not answer: no answer within 2000 ms'])
  t.match(silent.fixes, [/--dns-server/])
  t.same((await run(dnsCheck, { resolverFailure: async () => 'nothing answers there', dnsServers: [] })).said, [
    'warning: no name server is configured',
  ])
})

t.test('ports: what is taken is named with its process and its flag', async t => {
  t.same((await run(portsCheck, {})).said, ['ok: free for a sidecar: 15001 (outbound), 15006 (inbound), 15000 (admin), 15020 (health)'])
  const taken = await run(portsCheck, {
    listeners: () => [
      { address: '10.1.1.1', port: 15_006, inode: '7' },
      { address: '10.1.1.1', port: 15_001, inode: '8' },
      { address: '::', port: 15_000, inode: '9' },
    ],
    ownerOf: ({ inode }) => (inode === '7' ? 'nginx (pid 12)' : null),
  })
  t.same(taken.said, [
    'fault: 0.0.0.0:15006 (--inbound) is taken by nginx (pid 12)',
    'fault: 127.0.0.1:15000 (--admin) is taken by a process of another user',
  ])
  t.same(taken.fixes, ['stop it, or choose another address with --inbound', 'stop it, or choose another address with --admin'])
  const foreign = facts({ asked: { listeners: new Map([['inbound', { host: '192.0.2.1', port: 15_006 }]]) } })
  t.same((await run(portsCheck, {}, foreign)).said, ['fault: 192.0.2.1:15006 (--inbound) is no address of this machine'])
  const own = facts({ asked: { listeners: new Map([['inbound', { host: '10.0.0.7', port: 15_006 }]]) } })
  t.same((await run(portsCheck, {}, own)).said, ['ok: free for a sidecar: 15006 (inbound)'])
  t.match((await run(portsCheck, {}, facts({ sidecar: sidecar() }))).said, [/^skipped: a sidecar runs at 127.0.0.1:15000/])
})

t.test('ports: where the system does not say who listens, it is tried', async t => {
  const elsewhere = (code: string | null) =>
    run(portsCheck, { platform: 'darwin', listeners: () => null, bindFailure: async ({ port }) => (port === 15_001 ? code : null) })
  t.match((await elsewhere(null)).said, [/^ok: /])
  t.same((await elsewhere('EADDRINUSE')).said, ['fault: 127.0.0.1:15001 (--outbound) is taken by another process'])
  t.same((await elsewhere('EACCES')).said, ['fault: 127.0.0.1:15001 (--outbound) needs more rights than this user has'])
  t.same((await elsewhere('EMFILE')).said, ['fault: 127.0.0.1:15001 (--outbound) cannot be bound: EMFILE'])
})

t.test('clock: the middle of the round trip against the middle of the second that Date names', async t => {
  t.equal(skewOf({ sentAt: 10_000, gotAt: 11_000, serverDate: 10_000 }), 0)
  t.equal(skewOf({ sentAt: 1, gotAt: 2, serverDate: null }), null)
  const said = async (serverDate: number | null) =>
    (await run(clockCheck, {}, facts({ control: control({ timing: { sentAt: 90_000, gotAt: 90_000, serverDate } }) }))).said[0]
  t.equal(await said(86_000), "ok: 4 s ahead of the control plane's")
  t.equal(await said(80_000), "warning: this machine's clock is 10 s ahead of the control plane's")
  t.equal(await said(98_000), "warning: this machine's clock is 9 s behind the control plane's")
  t.equal(await said(null), 'skipped: the control plane does not say its time')
  t.same((await run(clockCheck, {})).said, ['skipped: no control plane to compare with'])
})
