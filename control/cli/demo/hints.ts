import { relative } from 'node:path'
import type { Part } from './process.ts'

/** What to try, with the addresses as they are. */
export function hints(parts: readonly Part[], split: string): string[] {
  const ready = (name: string) => parts.find(part => part.name === name)?.ready ?? {}
  const at = ready('control plane')['api'] as string
  const api = at === '127.0.0.1:15080' ? '' : ` --api http://${at}`
  const { outbound, admin } = ready('client')
  const lines = [
    `curl -x http://${outbound} http://web/7`,
    `npx outrider apply -f ${relative(process.cwd(), split)}${api}      (moves the split; watch it above)`,
    `npx outrider explain GET http://orders/orders/7 --admin ${admin}`,
    `npx outrider proxies${api}`,
    `kill -9 ${ready('orders v2')['pid']}      (orders v2 dies: its requests go to where they can)`,
  ]
  if (parts.some(part => part.name === 'Jaeger')) lines.push(`http://${at}/jaeger/      (Jaeger: every request is traced)`)
  return lines
}
