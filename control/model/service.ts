import { hostname, integer, ipAddress, name, port, word } from './fields.ts'
import { labels } from './metadata.ts'
import { isMapping, list, type Mapping, object, type Path, type Report, type Schema } from './schema.ts'

/** Ports of one service at most; Kubernetes' own services rarely have more than ten. */
export const MAX_PORTS = 64
/** Listed endpoints of one service at most: what one endpoint resource carries in well under 1 MiB. */
export const MAX_LISTED_ENDPOINTS = 1_000
/** As in the Gateway API. */
export const MAX_WEIGHT = 1_000_000

const servicePort: Schema = object({
  required: ['port', 'protocol'],
  fields: { name, port, protocol: word(['http', 'tcp', 'tls'], ['http2', 'grpc']) },
})

const listedEndpoint: Schema = object({
  required: ['address', 'port'],
  fields: { address: ipAddress, port, weight: integer(0, MAX_WEIGHT), labels },
})

/** The spec of `outrider.dev/v1` Service. */
export const serviceSpec: Schema = object({
  required: ['ports'],
  description: 'a name that callers use, its ports, and where its endpoints come from: listed, by DNS, or the sidecars that registered',
  fields: {
    ports: list(servicePort, { min: 1, max: MAX_PORTS, rules: [distinctPorts] }),
    endpoints: list(listedEndpoint, { max: MAX_LISTED_ENDPOINTS, rules: [distinctEndpoints, someWeight] }),
    dns: object({ required: ['name', 'port'], fields: { name: hostname, port } }),
    selector: labels,
  },
  rules: [oneSource],
})

function oneSource(value: Mapping, path: Path, report: Report): void {
  const [first, second] = ['endpoints', 'dns', 'selector'].filter(source => value[source] !== undefined)
  if (second === undefined) return
  report.fault([...path, second], value[second], `excludes ${first}`, 'at most one of endpoints, dns, selector')
}

function distinctPorts(items: readonly unknown[], path: Path, report: Report): void {
  for (const field of ['port', 'name']) {
    const seen = new Set<unknown>()
    items.forEach((item, index) => {
      const value = isMapping(item) ? item[field] : undefined
      if (value !== undefined && seen.has(value))
        report.fault([...path, index, field], value, `the ${field} is there twice`, `each ${field} once`)
      seen.add(value)
    })
  }
}

function distinctEndpoints(items: readonly unknown[], path: Path, report: Report): void {
  const seen = new Set<string>()
  items.forEach((item, index) => {
    if (!isMapping(item)) return
    const address = `${item['address']} ${item['port']}`
    if (seen.has(address)) report.fault([...path, index], item, 'the endpoint is there twice', 'each address and port once')
    seen.add(address)
  })
}

/** Shares of endpoints or backends that are all 0 send nothing anywhere. */
export function someWeight(items: readonly unknown[], path: Path, report: Report): void {
  if (items.length === 0 || !items.every(item => isMapping(item) && item['weight'] === 0)) return
  report.warning(path, 0, 'all weights are 0: none gets a request', 'a weight from 1 for at least one')
}
