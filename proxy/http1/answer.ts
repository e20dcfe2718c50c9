import type { MeshError } from '../errors.ts'
import { FieldList } from '../http/fields.ts'
import { REASONS } from '../http/reasons.ts'
import type { RawSocket } from '../net/socket.ts'
import { CLOSE, writeResponseHead } from './writer.ts'

/** Answers what failed before there was an exchange, and says that the connection closes. From the table of errors, as every answer of the sidecar. */
export function writeAnswer(socket: RawSocket, error: MeshError): void {
  const { status, proxyStatus } = error.row
  const body = Buffer.from(`${REASONS[status] ?? 'Error'}\n`, 'latin1')
  const headers = new FieldList([
    ['content-type', 'text/plain'],
    ['proxy-status', `outrider; error=${proxyStatus}; details="${error.code}"`],
  ])
  writeResponseHead(socket, { status, headers }, 'length', body.length, CLOSE)
  socket.write(body)
  socket.flush()
}
