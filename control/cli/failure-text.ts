import { RETRY_ENDS } from '../../proxy/advice.ts'
import { ERRORS, type ErrorCode } from '../../proxy/errors.ts'
import { IDEMPOTENT, mayRetry, type Outcome } from '../../proxy/filter/retry-decision.ts'
import { DEFAULT_RETRY, type RetryPolicy } from '../../proxy/route/route.ts'
import type { FailedTry, FailureRecord } from '../../proxy/telemetry/failure-record.ts'
import { calledService } from '../../proxy/telemetry/failures.ts'
import { formatDuration } from '../model/duration.ts'
import { adviceOf, causeOf, type Story } from './failure-story.ts'
import type { Output } from './output.ts'

/** Where traces are shown: the address before a trace's id; null: nowhere. */
export type TraceBase = string | null

/** A failed request for people: what happened at each sidecar, outermost first, and what to do about it. */
export function storyText(story: Story, traces: TraceBase, output: Output): string {
  const [first, ...others] = story as readonly [FailureRecord, ...FailureRecord[]]
  const label = (text: string) => `  ${output.paint('bold', text)}`
  const lines = [`${output.paint('bold', plain(whenText(first.time)))}  ${plain(headline(first, true))}`, ...bodyOf(first, '  ')]
  for (const record of others) lines.push(`  ${plain(headline(record, false))}`, ...bodyOf(record, '    '))
  lines.push(...identityRows(story, traces).map(plain))
  const cause = causeOf(story)
  const remedies = [adviceOf(cause).remedy, ...story.flatMap(({ stops }) => stops.flatMap(each => RETRY_ENDS[each]?.remedy ?? []))]
  for (const remedy of new Set(remedies)) lines.push(`${label('What to do:')} ${remedy}`)
  const command = commandFor(cause)
  if (command !== null) lines.push(`${label('Ask:')} ${plain(command)}`)
  return lines.join('\n')
}

function bodyOf(record: FailureRecord, indent: string): readonly string[] {
  return [whatHappened(record), ...rowsOf(record)].map(line => `${indent}${plain(line)}`)
}

/** Without what a terminal would act on: paths and messages come from the network. */
function plain(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what it is about
  return text.replace(/[\x00-\x1f\x7f-\x9f]/g, '?')
}

/** `2026-11-27 23:14:05.123 UTC`. */
function whenText(time: string): string {
  return time.replace('T', ' ').replace(/Z$/, ' UTC')
}

/** Who called what, and what came of it. */
function headline(record: FailureRecord, isFirst: boolean): string {
  const { direction, node, peer, method, status, code } = record
  const name = nameOf(node)
  const time = `after ${msText(record.duration_ms)}${record.attempts > 1 ? ` and ${record.attempts} tries` : ''}`
  if (method === '') return `${peer} sent the ${direction} port of ${name} something that is no request: it was answered ${status}.`
  const isBroken = code !== null && status !== 0 && status < 400
  const got = status === 0 ? 'no answer' : isBroken ? `${status}, which broke off` : String(status)
  if (direction === 'outbound') return `${name} sent ${method} ${urlOf(record)} and got ${got} ${time}.`
  const what = isFirst ? `${method} ${urlOf(record)} from ${peer}` : 'it'
  return `${name} (${node.id}) received ${what} and ${status === 0 ? 'gave no answer' : `answered ${got}`} ${time}.`
}

/** Why, in a sentence or two. */
function whatHappened(record: FailureRecord): string {
  const sentences = [causeSentence(record)]
  for (const stop of record.stops) sentences.push(RETRY_ENDS[stop]?.meaning ?? `${stop}.`)
  const once = whyOnce(record)
  if (once !== null) sentences.push(once)
  return sentences.join(' ')
}

function causeSentence(record: FailureRecord): string {
  const { code, flags, direction, status } = record
  const flag = flags === '-' ? '' : `flag${flags.includes(',') ? 's' : ''} ${flags}`
  const meaning = adviceOf(record).meaning.replace(/\.$/, '')
  if (code !== null) return `${meaning} (${flag === '' ? code : `${code}, ${flag}`}).`
  const peerCode = record.tries.at(-1)?.code ?? null
  if (peerCode !== null)
    return `The sidecar of ${calledName(record)} made this answer: ${meaning} (${flag === '' ? peerCode : `${peerCode}, ${flag}`}).`
  const who = direction === 'inbound' ? 'The app' : `Service ${calledName(record)}`
  return `${who} answered ${status} itself${flag === '' ? '' : ` (${flag})`}.`
}

/** Why there was no second try, where what the method means is the reason: the policy would have tried again. */
function whyOnce({ direction, retry, tries, method, code, status, flags }: FailureRecord): string | null {
  if (direction === 'inbound' || retry === null || tries.length !== 1 || flags.includes('URX')) return null
  // What was not tried again had no key either.
  const isSafe = IDEMPOTENT.has(method)
  const outcome: Outcome = { code: code as ErrorCode | null, status, isReceipt: false, isUnwritten: false }
  const isKnown = code === null || code in ERRORS
  if (isSafe || !isKnown || !mayRetry(outcome, 'always', { ...DEFAULT_RETRY, ...(retry as Partial<RetryPolicy>) })) return null
  return mayRetry(outcome, 'never', DEFAULT_RETRY) ? null : `It was not tried again, because ${method} must not be carried out twice.`
}

function rowsOf(record: FailureRecord): readonly string[] {
  const { origin, cluster, tries } = record
  const reason = reasonOf(record)
  const rows: string[] = []
  // A single try says the same with its time.
  if (reason !== null && tries.at(-1)?.message !== reason) rows.push(row('reason', reason))
  if (origin !== null) rows.push(row('rule', cluster === null ? origin : `${origin}, to ${cluster}`))
  for (const limit of limitsOf(record)) rows.push(row('limit', limit))
  for (const each of tries) rows.push(row(`try ${each.number}`, tryText(each)))
  return rows
}

/** What happened to which address; null: nothing that other lines do not say. */
function reasonOf({ details, stops }: FailureRecord): string | null {
  const end = stops.join('; ')
  if (details === null || end === '') return details
  if (details === end) return null
  return details.endsWith(`; ${end}`) ? details.slice(0, -end.length - 2) : details
}

const row = (label: string, text: string) => `${label.padEnd(8)} ${text}`

function tryText({ endpoint, started_ms, duration_ms, status, code, message }: FailedTry): string {
  const when = `at ${msText(started_ms)}, ${duration_ms === null ? 'not over' : `took ${msText(duration_ms)}`}`
  const answered = status === 0 ? '' : ` answered ${status}${code === null || message !== null ? '' : ` (${code})`}`
  const failed = message === null ? '' : `${status === 0 ? '' : ','} ${code}: ${message}`
  return `${endpoint ?? 'no endpoint'}, ${when}:${answered}${failed}${answered === '' && failed === '' ? ' nothing came of it' : ''}`
}

/** Settings that decided, and where they were written if elsewhere than the rule. */
function limitsOf({ code, flags, timeouts, retry, origins }: FailureRecord): readonly string[] {
  const by = (...keys: readonly string[]) => {
    const origin = keys.map(key => origins[key]).find(each => each !== undefined)
    return origin === undefined ? '' : `, by ${origin}`
  }
  const limits: string[] = []
  if (code === 'REQUEST_TIMEOUT' && timeouts?.request_ms != null)
    limits.push(`${formatDuration(timeouts.request_ms)} for the request with all its tries${by('timeouts.request')}`)
  if (code === 'PER_TRY_TIMEOUT' && timeouts?.per_try_ms != null)
    limits.push(`${formatDuration(timeouts.per_try_ms)} for each try${by('timeouts.backendRequest', 'retry.perTryTimeout')}`)
  if (code === 'IDLE_TIMEOUT' && timeouts?.idle_ms != null)
    limits.push(`${formatDuration(timeouts.idle_ms)} of silence${by('timeouts.idle')}`)
  if (flags.split(',').includes('URX') && retry !== null)
    limits.push(`${retry.attempts} ${retry.attempts === 1 ? 'retry' : 'retries'}${by('retry.attempts')}`)
  return limits
}

function identityRows(story: Story, traces: TraceBase): readonly string[] {
  const rows: string[] = []
  const id = story[0]?.request_id ?? null
  const trace = story.find(each => each.trace_id !== null)?.trace_id ?? null
  if (id !== null) rows.push(`  ${row('request', id)}`)
  if (trace !== null) rows.push(`  ${row('trace', traces === null ? trace : `${traces}${trace}`)}`)
  return rows
}

const EXPLAINED: ReadonlySet<string> = new Set(['NO_ROUTE', 'NO_HEALTHY_UPSTREAM', 'INVALID_BACKEND', 'NO_CLUSTER'])

/** The command that shows more of a routing failure. */
function commandFor(record: FailureRecord): string | null {
  const { code, direction, method, path, node } = record
  if (code === null || direction === 'inbound' || path === null || !EXPLAINED.has(code)) return null
  // It is to be copied into a shell.
  if (!/^[A-Z]+$/.test(method) || !/^[a-z0-9/-]+$/.test(nameOf(node))) return null
  return `outrider explain ${method} '${urlOf(record).replaceAll("'", '%27')}' --as ${nameOf(node)}`
}

function urlOf({ authority, path, method }: FailureRecord): string {
  return method === 'CONNECT' || path === null ? authority : `http://${authority}${path}`
}

function nameOf({ service, namespace }: { readonly service: string; readonly namespace: string }): string {
  return namespace === 'default' ? service : `${namespace}/${service}`
}

function calledName(record: FailureRecord): string {
  const called = calledService(record)
  return called === null ? record.authority : nameOf(called)
}

function msText(ms: number): string {
  return `${ms < 10 ? Math.round(ms * 10) / 10 : Math.round(ms)} ms`
}
