// @ts-check
// Loaded into an app's process by `NODE_OPTIONS=--import`, by `outrider run` or by hand: carries trace context, request id, baggage and the remaining time
// from the request that is being served to the requests that it makes. Node 20 or later, without any package. docs/propagation.md is its manual.
//
// It must never harm the app: what fails here switches the hook off, and the app goes on without it.
import { AsyncLocalStorage } from 'node:async_hooks'
import { subscribe } from 'node:diagnostics_channel'
import { createRequire } from 'node:module'
import { extentFor, sidecarOf } from './destination.js'
import { carriedBy, fieldsFor, hasField } from './fields.js'

/** @typedef {import('./fields.js').Carried} Carried */

/** The served request that the running code belongs to. @type {AsyncLocalStorage<Carried | undefined>} */
const served = new AsyncLocalStorage()

let isOff = false
let isArmed = false

/** What undici keeps a request's handler under. @type {symbol} */
let handlerSymbol = Symbol('not seen yet')

const sidecar = sidecarOf(new URL(import.meta.url).searchParams.get('outbound'), process.env)

/** @param {unknown} error */
function switchOff(error) {
  isOff = true
  if (!process.env['OUTRIDER_HOOK_DEBUG']) return
  try {
    process.stderr.write(`outrider: the Node hook is off: ${error instanceof Error ? error.stack : error}\n`)
  } catch {
    // Nobody to tell.
  }
}

/**
 * A subscriber that never throws: what one throws ends the process.
 * @param {string} channel
 * @param {(message: any) => void} hear
 */
function listen(channel, hear) {
  subscribe(channel, message => {
    if (isOff) return
    try {
      hear(message)
    } catch (error) {
      switchOff(error)
    }
  })
}

/** A request came in. Its handler runs next, in the same synchronous context. @param {any} message */
function requestCame({ request, response }) {
  const carried = carriedBy(request.headers, performance.now())
  // Also when there is nothing to carry: before Node 24 the connection keeps what the request before it has entered.
  if (carried !== undefined || served.getStore() !== undefined) served.enterWith(carried)
  if (carried === undefined) return
  // From Node 24 on, octets that arrive later arrive in the connection's context.
  keepIn(request, carried)
  keepIn(response, carried)
  if (isArmed) return
  isArmed = true
  // Not before: other instrumentation has subscribed while the app started, so what it adds is seen here as the app's own.
  listenToClients()
}

/**
 * Runs an emitter's listeners for one request. By a method, since a listener would be counted.
 * @param {import('node:events').EventEmitter} emitter
 * @param {Carried | undefined} carried
 */
function keepIn(emitter, carried) {
  const inherited = emitter.emit
  const { emit } = {
    /** @this {unknown} @param {string | symbol} type @param {any[]} rest */
    emit(type, ...rest) {
      if (isOff || served.getStore() === carried) return inherited.call(/** @type {any} */ (this), type, ...rest)
      return served.run(carried, () => inherited.call(/** @type {any} */ (this), type, ...rest))
    },
  }
  Object.defineProperty(emitter, 'emit', { value: emit, configurable: true, enumerable: false, writable: true })
}

function listenToClients() {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
  // http.client.request.created came with Node 22.12; http.client.request.start comes when the head is written already.
  if (major > 22 || (major === 22 && minor >= 12)) listen('http.client.request.created', ({ request }) => addToClientRequest(request))
  else wrapImplicitHeader()
  listen('undici:request:create', ({ request }) => addToUndiciRequest(request))
  listen('undici:client:connected', ({ socket }) => leaveContext(socket))
  listen('undici:client:connectError', () => leaveContext(null))
}

/** Node 20: the head of a request is made by this method, once, when the app has set its fields. */
function wrapImplicitHeader() {
  const { ClientRequest } = createRequire(import.meta.url)('node:http')
  const inherited = ClientRequest.prototype._implicitHeader
  if (typeof inherited !== 'function') return
  ClientRequest.prototype._implicitHeader = function _implicitHeader() {
    if (!isOff) {
      try {
        addToClientRequest(this)
      } catch (error) {
        switchOff(error)
      }
    }
    return inherited.call(this)
  }
}

/** node:http. A head that was given as an array is written already, and stays as it is. @param {any} request */
function addToClientRequest(request) {
  const carried = served.getStore()
  if (carried === undefined || request.headersSent || request.method === 'CONNECT') return
  const { protocol, host, path } = request
  const extent = extentFor({ protocol, host: String(host), hostField: textOf(request.getHeader('host')), path }, sidecar)
  if (extent === null) return
  for (const [name, value] of fieldsFor(carried, extent, performance.now())) if (!request.hasHeader(name)) request.setHeader(name, value)
}

/** Node's own fetch, and undici 5 and later. @param {any} request */
function addToUndiciRequest(request) {
  const carried = contextOf(request)
  if (carried === undefined || request.method === 'CONNECT' || typeof request.addHeader !== 'function') return
  const [, protocol = '', host = ''] = /^(\w+:)\/\/([^/]*)/.exec(String(request.origin)) ?? []
  const extent = extentFor({ protocol, host, hostField: textOf(request.host), path: String(request.path) }, sidecar)
  if (extent === null) return
  for (const [name, value] of fieldsFor(carried, extent, performance.now()))
    if (!hasField(request.headers, name)) request.addHeader(name, value)
}

/** A value that is no text is a client's that is not known. @param {unknown} value */
function textOf(value) {
  return typeof value === 'string' ? value : null
}

/**
 * The request that an undici request is made for. One that waited for a connection is made when another has ended, in that one's context; its handler
 * remembers its own.
 * @param {any} request
 * @returns {Carried | undefined}
 */
function contextOf(request) {
  // Another copy of undici has another symbol.
  if (!(handlerSymbol in request))
    handlerSymbol = Object.getOwnPropertySymbols(request).find(each => each.description === 'handler') ?? handlerSymbol
  const handler = request[handlerSymbol]
  return typeof handler?.runInAsyncScope === 'function' ? handler.runInAsyncScope(() => served.getStore()) : served.getStore()
}

/**
 * A connection of undici serves many requests and belongs to none: what it sets off runs without the context of the one that opened it.
 * @param {import('node:events').EventEmitter | null} socket
 */
function leaveContext(socket) {
  if (served.getStore() === undefined) return
  served.enterWith(undefined)
  if (socket !== null) keepIn(socket, undefined)
}

try {
  if (Number(process.versions.node.split('.')[0]) >= 20) listen('http.server.request.start', requestCame)
} catch (error) {
  switchOff(error)
}
