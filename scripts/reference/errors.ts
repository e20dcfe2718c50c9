import { ADVICE, RETRY_ENDS } from '../../proxy/advice.ts'
import { ERRORS, type ErrorCode, type ErrorRow } from '../../proxy/errors.ts'
import { FLAGS, type Flag } from '../../proxy/flags.ts'
import { cell, code as literal } from './cells.ts'

const code = (text: string | null) => (text === null ? '–' : literal(text))
const rows = Object.entries(ERRORS) as [ErrorCode, ErrorRow][]

const table = rows.map(
  ([name, row]) =>
    `| \`${name}\` | ${row.source} | ${code(row.flag)} | ${row.status === 0 ? 'none' : row.status} | ${row.grpcStatus} | ${code(row.proxyStatus)} | ${row.retry} |`,
)
const advice = rows.map(([name]) => `| \`${name}\` | ${cell(ADVICE[name].meaning)} | ${cell(ADVICE[name].remedy)} |`)
const flags = Object.entries(FLAGS).map(([flag, meaning]) => {
  const codes = rows.filter(([, row]) => row.flag === (flag as Flag)).map(([name]) => `\`${name}\``)
  return `| \`${flag}\` | ${cell(meaning)} | ${codes.length === 0 ? 'beside another' : codes.join(', ')} |`
})
const ends = Object.entries(RETRY_ENDS).map(([name, { meaning, remedy }]) => `| \`${name}\` | ${cell(meaning)} | ${cell(remedy)} |`)

/** `docs/errors.md`: every code and flag, from the tables that the sidecar works by. */
export function errorsPage(): string {
  return `# Errors and response flags

Made by \`npm run generate\` from \`proxy/errors.ts\`, \`proxy/flags.ts\` and \`proxy/advice.ts\`: what stands here is what the sidecar does.

A request that fails has a **code**. It is in the body of the answer, in \`Proxy-Status\` (RFC 9209), in the access log and in \`outrider why\`; scripts match on it. **Response flags** are Envoy's, and say the same more coarsely.
\`outrider why REQUEST-ID\` tells one request's story; see [why.md](why.md).

## Codes

Where the failure began: \`downstream\` is who called, \`upstream\` who was called, \`local\` the sidecar itself. What may be done with the request afterwards: \`unsent\` nothing left the sidecar and \`refused\` the peer promises that it did nothing, so both are tried again with any
method; \`reused\` a kept-alive connection died before any octet of the response, and needs an idempotent method or a key; \`sent\` it may have been carried out, and needs the same and a policy that lists it; \`never\`.

| code | began | flag | HTTP | gRPC | RFC 9209 error | retry |
| --- | --- | --- | --- | --- | --- | --- |
${table.join('\n')}

## What each means, and what to do

The meaning is what the caller is told. An answer of 5xx without a code is the app's own: look at its log for the request id.

| code | meaning | what to do |
| --- | --- | --- |
${advice.join('\n')}

## Details

Beside the code, where it was not tried again although the policy would have done so:

| detail | meaning | what to do |
| --- | --- | --- |
${ends.join('\n')}

## Response flags

| flag | meaning | codes |
| --- | --- | --- |
${flags.join('\n')}

## Bodies

An error that a sidecar makes is one line of text, \`outrider: CODE, request ID\`. Where \`Accept\` likes JSON better than text it is a problem document (RFC 9457), \`application/problem+json\` or \`application/json\` as asked, with the members \`type\`, \`title\`, \`status\`, \`detail\` (the meaning above),
\`code\`, \`flags\` (a list) and \`requestId\`. No body names an address. What fails before a request could be read is answered in plain text without an id.
`
}
