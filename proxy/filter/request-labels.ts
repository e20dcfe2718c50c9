/** Methods that have a label of their own: RFC 9110 section 9 and RFC 5789, as OpenTelemetry's known methods. Callers may make up others without end. */
export const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'CONNECT', 'OPTIONS', 'TRACE', 'PATCH', '_other'] as const

const OTHER = METHODS.length - 1
const INDEX = new Map<string, number>(METHODS.map((name, index) => [name, index]))

/** Index in `METHODS`, that of `_other` where it is not there. */
export function methodIndex(method: string): number {
  return INDEX.get(method) ?? OTHER
}

/** Status classes, by the first digit of a status; `none`: there was no answer. */
export const STATUS_CLASSES = ['none', '1xx', '2xx', '3xx', '4xx', '5xx', '6xx', '7xx', '8xx', '9xx'] as const

/** Index in `STATUS_CLASSES`. @param status 0, or 100 to 999. */
export function statusClassIndex(status: number): number {
  return Math.floor(status / 100)
}

/** The service of a cluster's name: `default/orders` of `default/orders:80`. */
export function serviceOf(cluster: string): string {
  return cluster.replace(/:\d+$/, '')
}
