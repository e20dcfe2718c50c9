import net from 'node:net'

let answer: Promise<boolean> | null = null

/**
 * Whether this Node lets an accepted connection read into a buffer of ours: `new net.Socket({ handle, onread })` on the listener's own handle.
 * It is not documented, so it is tried once, over loopback, with octets and a half-close; where it fails, `data` events are used.
 */
export function canAdopt(): Promise<boolean> {
  answer ??= probe()
  return answer
}

function probe(): Promise<boolean> {
  return new Promise(resolve => {
    const server = net.createServer()
    const opened: net.Socket[] = []
    const done = (works: boolean): void => {
      for (const socket of opened) socket.destroy()
      server.close()
      resolve(works)
    }
    server.on('error', () => done(false))
    server.on('connection', () => done(false))
    server.listen(0, '127.0.0.1', () => {
      const handle = (server as unknown as { _handle: { onconnection?: unknown } | null })._handle
      if (handle === null || typeof handle.onconnection !== 'function') {
        done(false)
        return
      }
      handle.onconnection = (_status: number, client: unknown) => tryClient(client, opened, done)
      const probing = net.connect((server.address() as net.AddressInfo).port, '127.0.0.1')
      opened.push(probing)
      probing.on('error', () => done(false))
      probing.end('probe')
    })
  })
}

function tryClient(client: unknown, opened: net.Socket[], done: (works: boolean) => void): void {
  const buffer = Buffer.alloc(16)
  let received = ''
  try {
    const onread = {
      buffer: () => buffer,
      callback: (count: number, octets: Uint8Array) => {
        if (octets === buffer) received += buffer.toString('latin1', 0, count)
        return true
      },
    }
    const socket = new net.Socket({
      handle: client,
      onread,
      allowHalfOpen: true,
      readable: true,
      writable: true,
    } as unknown as net.SocketConstructorOpts)
    opened.push(socket)
    socket.on('error', () => done(false))
    socket.on('end', () => done(received === 'probe'))
  } catch {
    done(false)
  }
}
