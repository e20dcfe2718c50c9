import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import type { Address } from '../support/e2e/mesh.ts'
import { Running, until } from '../support/e2e/process.ts'
import { ask, startEcho } from './support/relay-chain.ts'
import { python } from './support/tools.ts'

const PAGE = readFileSync(join(import.meta.dirname, '../../docs/propagation.md'), 'utf8')
const DEADLINE = 'x-envoy-expected-rq-timeout-ms'

/** The one program of a language on the page. */
function program(language: string): string {
  const [, code] = new RegExp(`\`\`\`${language}\n(.*?)\`\`\``, 's').exec(PAGE) ?? []
  if (code === undefined) throw new Error(`no ${language} on the page`)
  return code
}

/** Serves by what stands on the page, asks the echo, and answers what that was sent. `/own` has fields of its own. */
const PYTHON = `
import os
from wsgiref.simple_server import make_server, WSGIRequestHandler

session = MeshSession()

def app(environ, start_response):
    own = {"Baggage": "own=1"} if environ["PATH_INFO"] == "/own" else None
    text = session.get(os.environ["ECHO"], headers=own).content
    start_response("200 OK", [("content-type", "application/json")])
    return [text]

class Quiet(WSGIRequestHandler):
    def log_message(self, *_):
        pass

server = make_server("127.0.0.1", 0, Carry(app), handler_class=Quiet)
print("on", server.server_port, flush=True)
server.serve_forever()
`

const GO = `package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
)

func main() {
	client := http.Client{Transport: Transport{http.DefaultTransport}}
	app := func(w http.ResponseWriter, r *http.Request) {
		request, _ := http.NewRequestWithContext(r.Context(), "GET", os.Getenv("ECHO"), nil)
		if r.URL.Path == "/own" {
			request.Header.Set("baggage", "own=1")
		}
		response, err := client.Do(request)
		if err != nil {
			http.Error(w, err.Error(), 502)
			return
		}
		io.Copy(w, response.Body)
		response.Body.Close()
	}
	listener, _ := net.Listen("tcp", "127.0.0.1:0")
	fmt.Println("on", listener.Addr().(*net.TCPAddr).Port)
	http.Serve(listener, Handler(http.HandlerFunc(app)))
}
`

async function carries(t: Test, echo: Address, command: string, args: readonly string[]): Promise<void> {
  const app = new Running(command, args, { ECHO: `http://${echo.host}:${echo.port}`, HTTP_PROXY: '', http_proxy: '' })
  t.teardown(() => app.stop())
  await until(`it listens\n${app.stderr}`, () => {
    if (app.exit !== null) throw new Error(`ended: ${app.stderr}`)
    return app.stdout.includes('\n')
  })
  const at = { host: '127.0.0.1', port: Number(/^on (\d+)/.exec(app.stdout)?.[1]) }
  const seen = async (path: string, fields: Record<string, string>) => JSON.parse((await ask(at, path, fields)).text).seen
  const fields = {
    traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
    tracestate: 'a=1',
    baggage: 'user=7',
    'x-request-id': 'r1',
  }
  const { [DEADLINE]: remaining, ...carried } = await seen('/', { ...fields, [DEADLINE]: '20000' })
  t.same(carried, fields)
  t.ok(Number(remaining) > 0 && Number(remaining) <= 20_000, remaining)
  t.match(await seen('/own', fields), { ...fields, baggage: 'own=1', [DEADLINE]: null })
  t.match(await seen('/', {}), { traceparent: null, baggage: null, [DEADLINE]: null }, 'nothing stays of the request before')
}

t.test('the Python of docs/propagation.md carries', async t => {
  const folder = t.testdir()
  writeFileSync(join(folder, 'app.py'), program('python') + PYTHON)
  await carries(t, await startEcho(t), python(), [join(folder, 'app.py')])
})

t.test('the Go of docs/propagation.md carries', async t => {
  const folder = t.testdir()
  writeFileSync(join(folder, 'carry.go'), program('go').replace(/^package carry$/m, 'package main'))
  writeFileSync(join(folder, 'main.go'), GO)
  const binary = join(folder, 'app')
  execFileSync('go', ['build', '-o', binary, 'carry.go', 'main.go'], {
    cwd: folder,
    env: { ...process.env, GO111MODULE: 'off', CGO_ENABLED: '0' },
  })
  await carries(t, await startEcho(t), binary, [])
})
