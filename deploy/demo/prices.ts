import { serve } from './app.ts'

// Knows what things cost; calls nobody.
serve(async path => ({ app: 'prices', pid: process.pid, amount: 10 + (path.length % 7) }))
