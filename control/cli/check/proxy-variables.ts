import { isLoopback, isWildcard } from '../../../proxy/net/address.ts'
import { type Address, formatAddress, parseAddress } from '../values.ts'
import type { Check } from './check.ts'
import type { Facts } from './facts.ts'
import { type Finding, Findings } from './finding.ts'

const says = new Findings('proxy-variables')
type Environment = Readonly<Record<string, string | undefined>>

/** Would an app that is started from here find its sidecar? */
export const proxyVariablesCheck: Check = {
  name: 'proxy-variables',
  run({ environment }, facts) {
    const outbound = outboundOf(facts)
    const set = ['http_proxy', 'HTTP_PROXY'].flatMap(name => (given(environment, name) === null ? [] : [name]))
    if (set.length === 0)
      return [
        says.skipped('HTTP_PROXY is not set here: an app started from this shell calls past a sidecar; `outrider run` sets what it needs'),
      ]
    const astray = set.flatMap(name => elsewhere(environment, name, outbound))
    const findings = [...(astray.length > 0 ? astray : halfSet(set)), ...bypassed(environment, meshNames(facts)), ...forNode(environment)]
    return findings.length > 0 ? findings : [says.ok(`HTTP_PROXY leads to the sidecar at ${formatAddress(outbound)}`)]
  },
}

/** Where the app should send: what the sidecar says, else what flags say. */
function outboundOf({ asked, sidecar }: Facts): Address {
  const node = sidecar.state === 'there' ? sidecar.value.node : null
  const said = node === null ? null : parseAddress(node.outbound)
  return said ?? (asked.listeners.get('outbound') as Address)
}

function given(environment: Environment, name: string): string | null {
  const value = environment[name] ?? ''
  return value === '' ? null : value
}

/** Which of the two a client reads is its own affair. */
function halfSet(set: readonly string[]): Finding[] {
  const [only, second] = set
  if (second !== undefined) return []
  const missing = only === 'HTTP_PROXY' ? 'http_proxy' : 'HTTP_PROXY'
  return [says.warning(`${only} is set and ${missing} is not`, `set both to the same: curl reads http_proxy alone, others HTTP_PROXY`)]
}

/** A proxy variable that leads somewhere else than to the sidecar. */
function elsewhere(environment: Environment, name: string, outbound: Address): Finding[] {
  const value = given(environment, name) as string
  const url = URL.canParse(value) ? new URL(value) : null
  const fix = `set ${name}=http://${formatAddress(outbound)} for the app; under \`outrider run\` unset it, since what the caller has set stays`
  // A value without its scheme reads as a URL of the scheme "127.0.0.1" or not at all; curl takes it, Node and Go do not all.
  if (url === null || url.protocol !== 'http:') return [says.warning(`${name} is ${hidden(value)}, which is no http:// URL`, fix)]
  const port = url.port === '' ? 80 : Number(url.port)
  const host = url.hostname.replace(/^\[|\]$/g, '')
  const isThere =
    port === outbound.port && (host === outbound.host || (isLoopback(host) && (isLoopback(outbound.host) || isWildcard(outbound.host))))
  return isThere ? [] : [says.warning(`${name} leads to ${host}:${port}, not to the sidecar at ${formatAddress(outbound)}`, fix)]
}

/** A URL of a proxy may hold a password. */
function hidden(value: string): string {
  return JSON.stringify(value.replace(/\/\/[^/@]*@/, '//***@'))
}

/** Every name of the services that are known. */
function meshNames({ asked, proxies }: Facts): readonly string[] {
  const services = new Set((proxies ?? []).map(each => `${each.namespace}/${each.service}`))
  if (asked.service !== null) services.add(asked.service)
  return [...services].flatMap(each => {
    const [namespace, name] = each.split('/') as [string, string]
    return [name, `${name}.${namespace}`, `${name}.${namespace}.svc`, `${name}.${namespace}.svc.cluster.local`]
  })
}

/** Entries of NO_PROXY that keep services of the mesh from the sidecar. */
function bypassed(environment: Environment, names: readonly string[]): Finding[] {
  const findings: Finding[] = []
  for (const variable of ['no_proxy', 'NO_PROXY']) {
    const entries = (given(environment, variable) ?? '').split(/[\s,]+/).filter(each => each !== '')
    if (entries.includes('*'))
      findings.push(says.warning(`${variable} is *: nothing goes through the sidecar`, `set ${variable}=localhost,127.0.0.1,::1`))
    else
      for (const entry of entries) {
        const hit = names.find(name => matches(entry, name))
        if (hit !== undefined)
          findings.push(says.warning(`${variable} has ${entry}: calls of ${hit} go past the sidecar`, `take ${entry} out of ${variable}`))
      }
  }
  return findings
}

/** As curl, Go and Node read an entry: the host itself or a domain that it is in, with a port or without. */
function matches(entry: string, name: string): boolean {
  const domain = entry
    .toLowerCase()
    .replace(/:\d+$/, '')
    .replace(/^\*?\.+/, '')
  return domain !== '' && (name === domain || name.endsWith(`.${domain}`))
}

/** Node's own clients look at the variables only when they are told to. */
function forNode(environment: Environment): Finding[] {
  if (environment['NODE_USE_ENV_PROXY'] === '1' || /(^|\s)--use-env-proxy(\s|$)/.test(environment['NODE_OPTIONS'] ?? '')) return []
  return [
    says.warning(
      "Node's fetch and http do not look at HTTP_PROXY: NODE_USE_ENV_PROXY is not 1",
      'set NODE_USE_ENV_PROXY=1 (Node 22.21, 24.5 and later); other languages need nothing',
    ),
  ]
}
