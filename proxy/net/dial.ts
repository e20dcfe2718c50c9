import net from 'node:net'
import { MeshError } from '../errors.ts'
import type { Cancellation } from '../util/cancellation.ts'
import type { Timers } from '../util/timers.ts'
import { formatHostPort, type HostPort } from './address.ts'
import { HIGH_WATER_BYTES, RawSocket, type ReadMode } from './socket.ts'

export interface DialOptions {
  readonly timers: Timers
  /** From the call to the established connection, ms. */
  readonly timeoutMs: number
  readonly cancelled?: Cancellation
  readonly readMode?: ReadMode
}

/**
 * Connects. The connection does not read until `start`, so that nothing it says is lost.
 * Rejects with UPSTREAM_CONNECT_REFUSED, UPSTREAM_CONNECT_TIMEOUT (both name the address), or the reason of `cancelled`.
 */
export function dial(address: HostPort, options: DialOptions): Promise<RawSocket> {
  return new Promise((resolve, reject) => {
    const socket = new RawSocket(options.readMode ?? 'onread', onread => connect(address, onread))
    const timer = options.timers.timer(() => {
      fail(new MeshError('UPSTREAM_CONNECT_TIMEOUT', `no connection to ${formatHostPort(address)} within ${options.timeoutMs} ms`))
    })
    const settle = (): void => {
      timer.disarm()
      options.cancelled?.off(fail)
      socket.socket.off('connect', connected)
    }
    const fail = (reason: MeshError): void => {
      settle()
      socket.socket.destroy()
      reject(reason)
    }
    const connected = (): void => {
      settle()
      socket.pause()
      resolve(socket)
    }
    socket.events = {
      data() {},
      ended() {},
      drained() {},
      closed(error) {
        const cause = error === null ? 'closed' : ((error as NodeJS.ErrnoException).code ?? error.message)
        fail(new MeshError('UPSTREAM_CONNECT_REFUSED', `connecting to ${formatHostPort(address)} failed: ${cause}`))
      },
    }
    socket.socket.once('connect', connected)
    timer.arm(options.timeoutMs)
    options.cancelled?.on(fail)
  })
}

function connect(address: HostPort, onread: net.OnReadOpts | undefined): net.Socket {
  const options = {
    host: address.address,
    port: address.port,
    noDelay: true,
    allowHalfOpen: true,
    writableHighWaterMark: HIGH_WATER_BYTES,
    ...(onread === undefined ? {} : { onread }),
  }
  return net.connect(options as net.NetConnectOpts)
}
