import t from 'tap'
import { appEnvironment } from '../../../../../control/cli/app-environment.ts'
import { appCheck } from '../../../../../control/cli/check/app.ts'
import { appExposureCheck } from '../../../../../control/cli/check/app-exposure.ts'
import { proxyVariablesCheck } from '../../../../../control/cli/check/proxy-variables.ts'
import { facts, run, shown, sidecar } from './support.ts'

const named = facts({ asked: { app: { host: '127.0.0.1', port: 9_000 } } })

t.test('app: asked as named, else where the sidecar looks for it', async t => {
  t.match((await run(appCheck, {})).said, [/^skipped: --app/])
  t.same((await run(appCheck, {}, facts({ sidecar: sidecar() }))).said, ['ok: answers at 127.0.0.1:8080'])
  t.same((await run(appCheck, {}, named)).said, ['ok: answers at 127.0.0.1:9000'])
  const paths: (string | null)[] = []
  const dead = {
    appFailure: async (_: unknown, path: string | null) => {
      paths.push(path)
      return 'connection refused'
    },
  }
  t.same((await run(appCheck, dead, named)).said, ['fault: the app at 127.0.0.1:9000 does not answer: connection refused'])
  const withPath = await run(appCheck, dead, facts({ asked: { app: { host: '127.0.0.1', port: 9_000 }, appHealth: '/healthz' } }))
  t.match(withPath.fixes, [/until \/healthz is answered 2xx/])
  t.same(paths, [null, '/healthz'])
})

t.test('app: one that answers here and not to its sidecar is told', async t => {
  t.same((await run(appCheck, {}, facts({ sidecar: sidecar({ inbound: 'the app is not ready: GET /x was answered 500' }) }))).said, [
    'warning: the app at 127.0.0.1:8080 answers, but its sidecar gives it no requests of peers: the app is not ready: GET /x was answered 500',
  ])
})

t.test('app-exposure: an app that listens beyond loopback can be called past its sidecar', async t => {
  const on = (...addresses: string[]) =>
    run(appExposureCheck, { listeners: () => addresses.map(address => ({ address, port: 9_000, inode: '1' })) }, named)
  t.same((await on('127.0.0.1', '::1')).said, ['ok: listens on 127.0.0.1:9000 and [::1]:9000 only'])
  t.same((await on('0.0.0.0', '::')).said, [
    'warning: the app listens on 0.0.0.0:9000 and [::]:9000: whoever reaches any address of this machine can call it past its sidecar',
  ])
  t.same((await on('127.0.0.1', '10.0.0.7')).said, [
    'warning: the app listens on 10.0.0.7:9000: whoever reaches that address can call it past its sidecar',
  ])
  t.match((await on('0.0.0.0')).fixes, [/make it listen on 127.0.0.1/])
  t.match((await on()).said, [/^skipped: nothing listens on port 9000 here/])
  t.match((await run(appExposureCheck, {})).said, [/^skipped: --app/])
  t.match((await run(appExposureCheck, { listeners: () => null, platform: 'darwin' }, named)).said, [/^skipped: only Linux/])
})

t.test('proxy-variables: what `outrider run` gives an app is as it should be', async t => {
  t.match((await run(proxyVariablesCheck, {})).said, [/^skipped: HTTP_PROXY is not set here/])
  const environment = appEnvironment({}, { host: '127.0.0.1', port: 15_001 }, 8_080)
  t.same((await run(proxyVariablesCheck, { environment }, facts({ proxies: [shown('a')] }))).said, [
    'ok: HTTP_PROXY leads to the sidecar at 127.0.0.1:15001',
  ])
})

t.test('proxy-variables: everything that would lead an app past its sidecar', async t => {
  const said = async (environment: Record<string, string>, of = facts({ proxies: [shown('a')] })) => {
    const base = { HTTP_PROXY: 'http://127.0.0.1:15001', http_proxy: 'http://localhost:15001', NODE_USE_ENV_PROXY: '1' }
    return (await run(proxyVariablesCheck, { environment: { ...base, ...environment } }, of)).said
  }
  t.same(await said({ http_proxy: 'http://me:secret@corp:3128' }), [
    'warning: http_proxy leads to corp:3128, not to the sidecar at 127.0.0.1:15001',
  ])
  t.same(await said({ http_proxy: 'https://me:secret@corp:3128' }), [
    'warning: http_proxy is "https://***@corp:3128", which is no http:// URL',
  ])
  t.same(await said({ http_proxy: '127.0.0.1:15001' }), ['warning: http_proxy is "127.0.0.1:15001", which is no http:// URL'])
  t.same(await said({ http_proxy: '' }), ['warning: HTTP_PROXY is set and http_proxy is not'])
  t.same(await said({ HTTP_PROXY: '' }), ['warning: http_proxy is set and HTTP_PROXY is not'])
  t.same(await said({ NO_PROXY: 'localhost,.svc.cluster.local,web:80' }), [
    'warning: NO_PROXY has .svc.cluster.local: calls of web.default.svc.cluster.local go past the sidecar',
    'warning: NO_PROXY has web:80: calls of web go past the sidecar',
  ])
  t.same(await said({ no_proxy: '*' }), ['warning: no_proxy is *: nothing goes through the sidecar'])
  t.match(await said({ no_proxy: 'eb,other' }), [/^ok/])
  t.same(await said({ NO_PROXY: 'orders' }, facts({ asked: { service: 'shop/orders' } })), [
    'warning: NO_PROXY has orders: calls of orders go past the sidecar',
  ])
  t.match(await said({ NODE_USE_ENV_PROXY: '' }), [/^warning: Node's fetch and http do not look at HTTP_PROXY/])
  t.match(await said({ NODE_USE_ENV_PROXY: '', NODE_OPTIONS: '--use-env-proxy' }), [/^ok/])
})
