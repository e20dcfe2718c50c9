// @ts-check
/**
 * Where a request to be made goes, as far as its client shows.
 * @typedef {object} Target
 * @property {string} protocol `http:` or another.
 * @property {string} host `HOST` or `HOST:PORT` that is connected to, or would be without a proxy.
 * @property {string | null} hostField the Host field, where the app set one.
 * @property {string} path absolute form (`http://...`) means that it is written to a proxy.
 */

/**
 * How the app reaches its sidecar.
 * @typedef {object} Sidecar
 * @property {string | null} outbound `HOST:PORT`; null: not known.
 * @property {boolean} isProxy the environment names it as the proxy for http.
 * @property {readonly string[]} direct names that the environment excepts from proxies, in lower case, without a leading dot; `*`: all.
 */

/** `orders`, `orders.default`, `orders.shop.svc`, `orders.shop.svc.cluster.local`. `orders.shop` alone looks like a name of the internet. */
const MESH_NAME = /^[a-z0-9_-]+(\.default|\.[a-z0-9_-]+\.svc(\.[a-z0-9_.-]+)?)?$/i

const LOOPBACK = /^(localhost|.*\.localhost|127(\.\d{1,3}){3}|\[?::1\]?)$/i

/**
 * What a request may be given: `all`, only what names the `trace`, or null, nothing.
 *
 * Baggage and deadline are for the mesh. The sidecar takes them off what leaves it, but sees no field of what is encrypted, of what goes round it, and of a
 * CONNECT to a host outside. So they are added where the sidecar surely reads the request itself, or where the name can only be one of the mesh.
 * @param {Target} target
 * @param {Sidecar} sidecar
 * @returns {'all' | 'trace' | null}
 */
export function extentFor({ protocol, host, hostField, path }, { outbound, isProxy, direct }) {
  if (protocol !== 'http:') return null
  if (outbound !== null && host === outbound) return 'all'
  const isAbsolute = /^http:\/\//i.test(path)
  if (isAbsolute && (isProxy || hostOf(host) === hostOf(outbound ?? ''))) return 'all'
  const connected = hostOf(host)
  // An own machine that is asked by another's name is the sidecar, or what leads to it.
  const name = LOOPBACK.test(connected) && hostField !== null ? hostOf(hostField) : connected
  if (LOOPBACK.test(name) || (name === connected && isExcepted(name, direct))) return null
  return MESH_NAME.test(name) ? 'all' : 'trace'
}

/**
 * How an app reaches its sidecar, by what `outrider run` and the environment say.
 * @param {string | null} given outbound address of the sidecar, where `outrider run` started the app.
 * @param {Readonly<Record<string, string | undefined>>} env
 * @returns {Sidecar}
 */
export function sidecarOf(given, env) {
  const proxy = authorityOf(env['http_proxy'] || env['HTTP_PROXY'] || '')
  const outbound = given ?? (proxy !== null && LOOPBACK.test(hostOf(proxy)) ? proxy : null)
  const direct = (env['no_proxy'] || env['NO_PROXY'] || '')
    .split(/[\s,]+/)
    .filter(each => each !== '')
    .map(each => hostOf(each.replace(/^\*?\./, '')).toLowerCase())
  return { outbound, isProxy: proxy !== null && proxy === outbound, direct }
}

/** @param {string} authority */
function hostOf(authority) {
  return /^\[.*?\]|^[^:]*$|^[^:]*(?=:\d*$)/.exec(authority)?.[0] ?? authority
}

/** @param {string} url */
function authorityOf(url) {
  try {
    const { host, port, hostname } = new URL(url)
    return port === '' ? `${hostname}:80` : host
  } catch {
    return null
  }
}

/**
 * @param {string} name
 * @param {readonly string[]} direct
 */
function isExcepted(name, direct) {
  const lower = name.toLowerCase()
  return direct.some(each => each === '*' || lower === each || lower.endsWith(`.${each}`))
}
