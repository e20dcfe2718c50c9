import { pathToFileURL } from 'node:url'
import t from 'tap'
import { appEnvironment } from '../../../../control/cli/app-environment.ts'
import { withNodeHook } from '../../../../control/cli/node-hook.ts'

const OUTBOUND = { host: '127.0.0.1', port: 15001 }
const HOOK = new URL('file:///opt/outrider/hook/node.js')
const OPTION = '--import=file:///opt/outrider/hook/node.js?outbound=127.0.0.1%3A15001'

t.test('the hook comes after the options that the caller has set', async t => {
  t.equal(withNodeHook(undefined, OUTBOUND, HOOK), OPTION)
  t.equal(withNodeHook('', OUTBOUND, HOOK), OPTION)
  t.equal(
    withNodeHook('--max-old-space-size=100 --require="./a b.js"', OUTBOUND, HOOK),
    `--max-old-space-size=100 --require="./a b.js" ${OPTION}`,
  )
})

t.test('a path of any characters is one option without quotes', async t => {
  const option = withNodeHook(undefined, OUTBOUND, pathToFileURL('/home/me/my "own" 100%20 apps?#/hook/node.js'))
  t.notMatch(option, /[\s"\\]/)
  t.equal(decodeURIComponent(new URL(option.slice('--import='.length)).pathname), '/home/me/my "own" 100%20 apps?#/hook/node.js')
})

t.test('an app under an outrider run under another has one hook, that of its own sidecar', async t => {
  const outer = withNodeHook('--trace-warnings', { host: '127.0.0.1', port: 1 }, new URL('file:///other/hook/node.js'))
  t.equal(withNodeHook(outer, OUTBOUND, HOOK), `--trace-warnings ${OPTION}`)
})

t.test('an app gets the hook only where it is wanted', async t => {
  const inherited = { NODE_OPTIONS: '--trace-warnings' }
  t.match(
    appEnvironment(inherited, OUTBOUND, 8080, null, true)['NODE_OPTIONS'],
    /^--trace-warnings --import=file:.*\/hook\/node\.js\?outbound=127\.0\.0\.1%3A15001$/,
  )
  t.equal(appEnvironment(inherited, OUTBOUND, 8080, null, false)['NODE_OPTIONS'], '--trace-warnings')
  t.notOk('NODE_OPTIONS' in appEnvironment({}, OUTBOUND, 8080, null, false))
})
