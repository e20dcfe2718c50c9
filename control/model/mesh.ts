import { hostname, number, pattern, TOKEN, word } from './fields.ts'
import { list, object, type Schema } from './schema.ts'

/** Upgrade protocols besides websocket at most. */
export const MAX_UPGRADES = 16
/** Forms of trace context: as many as there are. */
const MAX_PROPAGATORS = 3

/** Removed from every request, so listing it would promise what never happens (RFC 9113 section 3.1). */
const upgradeToken: Schema = pattern(TOKEN, 64, 'is not a protocol name', 'a token such as websocket')

/** The spec of `outrider.dev/v1` Mesh. */
export const meshSpec: Schema = object({
  description: 'what holds for the whole mesh',
  fields: {
    trustDomain: hostname,
    mtls: object({ fields: { mode: word(['permissive', 'disable'], ['strict']) } }),
    tracing: object({
      fields: { samplingPercent: number(0, 100), propagators: list(word(['tracecontext', 'b3', 'b3multi']), { max: MAX_PROPAGATORS }) },
    }),
    accessLog: object({ fields: { mode: word(['off', 'errors', 'all']), format: word(['json', 'text']) } }),
    egress: object({ fields: { unknownHosts: word(['allow', 'deny']) } }),
    via: word(['on', 'off']),
    upgrades: list(
      {
        json: upgradeToken.json,
        check(value, path, report) {
          upgradeToken.check(value, path, report)
          if (typeof value === 'string' && value.toLowerCase() === 'h2c')
            report.fault(path, value, 'h2c is always removed', 'another protocol')
        },
      },
      { max: MAX_UPGRADES },
    ),
  },
  later: ['trustedProxies'],
})
