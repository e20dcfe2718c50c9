import { type ExplainedCluster, type ExplainedRoute, type Explanation, matchText } from '../../proxy/route/explanation.ts'
import { formatDuration } from '../model/duration.ts'
import { type Output, table } from './output.ts'

/** Earlier routes that the table lists; `-o json` has all. */
const MAX_LINES = 50

/** An explanation for people. */
export function explanationText(explanation: Explanation, output: Output): string {
  const { request, path, virtualHost, route, earlier, clusters } = explanation
  const lines = [`${request.method} http://${request.authority}${request.path} ${output.paint('bold', explanation.verdict)}`]
  if (path !== null && path !== request.path?.split('?')[0]) lines.push(`  path   ${path}, normalised`)
  if (virtualHost !== null) lines.push(`  host   ${virtualHost.name}, by its name ${virtualHost.domain}`)
  if (route !== null) lines.push(...routeLines(route))
  for (const cluster of clusters) lines.push(...clusterLines(cluster, output))
  if (earlier.length > 0) {
    const hidden = earlier.length - MAX_LINES + explanation.earlierOmitted
    const rows = earlier.slice(0, MAX_LINES).map(each => [`  ${each.match}`, each.why, each.origin])
    lines.push('', route === null ? 'routes, and why none matches:' : 'earlier routes, and why they do not match:', table(rows))
    if (hidden > 0) lines.push(`  and ${hidden} more`)
  }
  return lines.join('\n')
}

function routeLines(route: ExplainedRoute): readonly string[] {
  const from = (key: string) => (route.origins[key] === undefined ? '' : `, by ${route.origins[key]}`)
  const time = (ms: number | null) => (ms === null ? 'none' : formatDuration(ms))
  const { timeouts, retry } = route
  const lines = [
    `  rule   ${route.origin}`,
    `  match  ${matchText(route.match)}`,
    `  timeouts (a caller's deadline holds where it is sooner)`,
    `    request    ${time(timeouts.requestMs)}${from('timeouts.request')}`,
    `    each try   ${time(timeouts.perTryMs)}${from('timeouts.backendRequest') || from('retry.perTryTimeout')}`,
    `    idle       ${time(timeouts.idleMs)}${from('timeouts.idle')}`,
  ]
  if (retry === null || retry.attempts === 0) lines.push(`  retry  none${from('retry.attempts')}`)
  else {
    const codes = retry.codes.length === 0 ? '' : ` and ${retry.codes.join(', ')}`
    lines.push('  retry')
    lines.push(`    attempts   ${retry.attempts}${from('retry.attempts')}`)
    lines.push(`    on         ${retry.on.join(', ')}${codes}${from('retry.on') || from('retry.codes')}`)
    lines.push(`    backoff    ${formatDuration(retry.backoffMs)} to ${formatDuration(retry.maxBackoffMs)}${from('retry.backoff')}`)
  }
  return lines
}

function clusterLines({ name, share, config, endpoints, note }: ExplainedCluster, output: Output): readonly string[] {
  const lines = [`  cluster ${output.paint('bold', name)}, ${share} %${note === '' ? '' : `: ${note}`}`]
  if (config !== null) {
    lines.push(`    written    ${config.origin}`)
    const from = config.origins['loadBalancer.policy']
    lines.push(
      `    balancing  ${config.policy}${from === undefined ? '' : `, by ${from}`}; connect timeout ${formatDuration(config.connectTimeoutMs)}`,
    )
  }
  for (const { address, port, health, weight, labels, node } of endpoints) {
    const shown = Object.entries(labels).map(([key, value]) => `${key}=${value}`)
    const who = registrationOf(node, labels)
    const style = health === 'healthy' ? 'green' : 'red'
    const place = address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`
    lines.push(
      `    endpoint   ${place} ${output.paint(style, health)}, weight ${weight}, ${who}${shown.length === 0 ? '' : `, ${shown.join(',')}`}`,
    )
  }
  return lines
}

/** A sidecar knows that an endpoint is registered by the label that each of them has, and not by whom. */
function registrationOf(node: string | null, labels: Readonly<Record<string, string>>): string {
  if (node !== null) return `registered by ${node}`
  return labels['service'] === undefined ? 'listed' : 'registered'
}
