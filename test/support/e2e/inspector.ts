import { once } from 'node:events'
import { type Running, until } from './process.ts'

/** Starts with it take a free inspector port when SIGUSR1 comes. */
export const INSPECTABLE = { NODE_OPTIONS: '--inspect-port=0' }

/** Makes another process collect its garbage: what it holds after that, it needs. Start it with INSPECTABLE. */
export async function collectGarbage(running: Running): Promise<void> {
  if (!running.stderr.includes('ws://')) {
    running.signal('SIGUSR1')
    await until('the inspector listens', () => running.stderr.includes('ws://'))
  }
  const socket = new WebSocket(/ws:\/\/\S+/.exec(running.stderr)?.[0] ?? '')
  await once(socket, 'open')
  for (let id = 1; id <= 2; id++) {
    const answered = once(socket, 'message')
    socket.send(JSON.stringify({ id, method: 'HeapProfiler.collectGarbage' }))
    await answered
  }
  socket.close()
  await once(socket, 'close')
}
