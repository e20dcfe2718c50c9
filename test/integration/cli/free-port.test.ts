import { createServer } from 'node:net'
import t from 'tap'
import { freePort, freePorts, portOrFree } from '../../../control/cli/free-port.ts'

t.test('a free port is none that the system gives to connections or to port 0 meanwhile', async t => {
  const ports = await freePorts('127.0.0.1', 50)
  t.equal(new Set(ports).size, 50)
  for (const port of ports) t.ok(port >= 20_000 && port < 32_768, `${port}`)
})

t.test('it can be taken at once', async t => {
  const port = await freePort('127.0.0.1')
  const server = createServer()
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(port, '127.0.0.1', resolve))
  t.same(await portOrFree({ host: '127.0.0.1', port }), { host: '127.0.0.1', port: 0 }, 'and is taken then')
  server.close()
})
