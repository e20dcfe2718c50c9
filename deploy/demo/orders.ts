import { get, serve } from './app.ts'

// Knows orders, and asks `prices` what each costs. Runs in two versions.
const version = process.env['VERSION'] ?? 'v1'

serve(async path => {
  const id = path.split('/').pop() || '1'
  return { app: 'orders', version, pid: process.pid, id, price: await get(`http://prices/prices/${id}`) }
})
