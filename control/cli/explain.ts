import type { Explanation } from '../../proxy/route/explanation.ts'
import { ApiClient } from './api-client.ts'
import type { Command, Context } from './command.ts'
import { API_FLAG, NAMESPACE_FLAG, OUTPUT_FLAG } from './common-flags.ts'
import { CommandError } from './exit-codes.ts'
import { explanationText } from './explanation-text.ts'
import { structured } from './output.ts'
import { type Address, formatAddress } from './values.ts'

/** `outrider explain`: where a request would go, and why. */
export const explainCommand: Command = {
  name: 'explain',
  summary: 'say where a request would go, by which rule, and why not by another',
  usage: '[METHOD] URL [flags]',
  description:
    'Asks a sidecar by its admin port (--admin), or the control plane on behalf of a service (--as). With neither, it asks the sidecar on 127.0.0.1:15000, and the control plane where none is there. Nothing is sent to the service.',
  examples: [
    { text: 'which rule takes this request?', command: "outrider explain GET http://orders/api/1 -H 'x-user: 7'" },
    { text: 'as the sidecars of the service web see it', command: 'outrider explain http://orders/ --as web' },
  ],
  flags: [
    {
      name: 'header',
      short: 'H',
      type: { kind: 'text' },
      valueName: "'NAME: VALUE'",
      isRepeated: true,
      summary: 'header of the request',
    },
    { name: 'as', type: { kind: 'text' }, valueName: 'SERVICE', summary: 'ask the control plane, as this service' },
    { name: 'admin', type: { kind: 'address' }, summary: 'ask the sidecar with this admin port' },
    NAMESPACE_FLAG,
    OUTPUT_FLAG,
    API_FLAG,
  ],
  positionals: [
    { name: 'METHOD', summary: 'HTTP method; left out: GET', isRequired: false },
    { name: 'URL', summary: 'such as http://orders/api/1', isRequired: false },
  ],
  rest: null,
  run,
}

const DEFAULT_ADMIN: Address = { host: '127.0.0.1', port: 15_000 }

async function run(context: Context): Promise<number> {
  const { flags, output } = context
  const query = queryOf(context)
  const { who, text } = await ask(context, query)
  const explanation = JSON.parse(text) as Explanation
  const format = flags.requiredText('output')
  if (format === 'json' || format === 'yaml') output.line(structured(format, { answeredBy: who, ...explanation }))
  else {
    output.line(`answered by ${who}`)
    // A sidecar of another version may say less.
    output.line(Array.isArray(explanation.earlier) ? explanationText(explanation, output) : structured('yaml', explanation))
  }
  return 0
}

function queryOf({ flags, positionals }: Context): URLSearchParams {
  const [first, second] = positionals
  if (first === undefined) throw new CommandError('usage', 'missing argument URL: such as http://orders/api/1')
  const [method, url] = second === undefined ? ['GET', first] : [first.toUpperCase(), second]
  if (!/^https?:\/\/[^/?#]+/i.test(url))
    throw new CommandError('usage', `URL: "${url}" is not allowed; must be a URL with http or https, such as http://orders/api/1`)
  const query = new URLSearchParams({ method, url })
  for (const line of flags.list('header')) {
    if (!/^[^:\s]+\s*:/.test(line)) throw new CommandError('usage', `--header: "${line}" is not allowed; must be NAME: VALUE`)
    query.append('header', line)
  }
  return query
}

async function ask({ flags }: Context, query: URLSearchParams): Promise<{ readonly who: string; readonly text: string }> {
  const admin = flags.address('admin')
  const caller = flags.text('as')
  if (admin !== null && caller !== null) throw new CommandError('usage', 'give either --admin or --as, not both')
  if (caller === null) {
    const address = formatAddress(admin ?? DEFAULT_ADMIN)
    try {
      const sidecar = new ApiClient(`http://${address}`, '--admin')
      const { text } = await sidecar.expect({ method: 'GET', path: `/explain?${query}` })
      return { who: `the sidecar at ${address}`, text }
    } catch (error) {
      if (admin !== null || !(error instanceof CommandError) || error.exit !== 'unreachable') throw error
    }
  }
  const api = flags.requiredText('api')
  query.set('namespace', flags.requiredText('namespace'))
  if (caller !== null) query.set('as', caller)
  const { text } = await new ApiClient(api, '--api').expect({ method: 'GET', path: `/v1/explain?${query}` })
  const role = caller === null ? `a sidecar of namespace ${flags.requiredText('namespace')}` : caller
  return { who: `the control plane at ${api}, as ${role} is told`, text }
}
