import { get, serve } from './app.ts'

// The front: asks `orders` for the order that the path names.
serve(async path => ({ app: 'web', pid: process.pid, order: await get(`http://orders/orders${path}`) }))
