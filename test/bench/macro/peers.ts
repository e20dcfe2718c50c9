import { execFileSync } from 'node:child_process'
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { listening, type Running, start } from './process.ts'

/** Ports of the four servers behind every proxy. */
export const BACKEND_PORTS = [19_101, 19_102, 19_103, 19_104] as const
/** The Host that every proxy routes. */
export const HOST = 'orders'

/** A proxy under test: one process on its own core, in front of the same four servers, doing the same work. */
export interface Peer {
  readonly name: string
  readonly port: number
  /** Its version, or null where it is not installed. */
  version(): string | null
  start(directory: string, core: number): Promise<Running>
}

const has = (command: string, args: string[]): string | null => {
  try {
    return (
      execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
        .trim()
        .split('\n')[0] ?? ''
    )
  } catch {
    return null
  }
}

/** The servers: nginx, two fixed bodies in memory and files for the larger, so that they cost as little as can be. */
export async function startBackends(directory: string, core: number): Promise<Running> {
  mkdirSync(join(directory, 'www'), { recursive: true })
  // nginx gives up root and must still read the files.
  chmodSync(directory, 0o755)
  for (const [name, size] of Object.entries(SIZES)) writeFileSync(join(directory, 'www', name), 'x'.repeat(size))
  const config = `worker_processes 1; daemon off; pid ${directory}/backend.pid; error_log stderr crit;
events { worker_connections 4096; }
http { access_log off; keepalive_requests 100000000; keepalive_timeout 600s; sendfile on; tcp_nopush off; open_file_cache max=100;
server { ${BACKEND_PORTS.map(port => `listen 127.0.0.1:${port} backlog=1024;`).join(' ')} root ${directory}/www;
location / { } location = /api/small { return 200 "${'x'.repeat(100)}"; } } }`
  writeFileSync(join(directory, 'backend.conf'), config)
  const running = start(core, 'nginx', ['-c', join(directory, 'backend.conf'), '-e', 'stderr'])
  for (const port of BACKEND_PORTS) await listening(port)
  return running
}

/** Bodies by path. */
export const SIZES: Record<string, number> = { 'api-1k': 1_024, 'api-16k': 16_384, 'api-1m': 1_048_576 }

const nginx: Peer = {
  name: 'nginx',
  port: 19_201,
  version: () => (has('nginx', ['-v']) === null ? null : 'nginx'),
  start: async (directory, core) => {
    const config = `worker_processes 1; daemon off; pid ${directory}/nginx.pid; error_log stderr crit;
events { worker_connections 8192; }
http { access_log off; keepalive_requests 100000000; keepalive_timeout 600s; proxy_http_version 1.1; proxy_buffering on;
upstream orders { ${BACKEND_PORTS.map(port => `server 127.0.0.1:${port};`).join(' ')} keepalive 512; keepalive_requests 100000000; }
server { listen 127.0.0.1:19201 backlog=1024; server_name orders;
location / { proxy_pass http://orders; proxy_set_header Connection ""; proxy_set_header Host $host; proxy_set_header X-Request-Id $request_id;
proxy_next_upstream error timeout http_502 http_503 http_504; proxy_next_upstream_tries 3; proxy_connect_timeout 1s; proxy_read_timeout 300s; } } }`
    writeFileSync(join(directory, 'nginx.conf'), config)
    return started(19_201, start(core, 'nginx', ['-c', join(directory, 'nginx.conf'), '-e', 'stderr']))
  },
}

const haproxy: Peer = {
  name: 'haproxy',
  port: 19_202,
  version: () => has('haproxy', ['-v']),
  start: async (directory, core) => {
    const config = `global
  nbthread 1
  maxconn 8192
defaults
  mode http
  timeout connect 1s
  timeout client 300s
  timeout server 300s
  retries 2
  option redispatch
  retry-on conn-failure empty-response 502 503 504
  http-reuse always
frontend in
  bind 127.0.0.1:19202
  unique-id-format %{+X}o%ci:%cp_%fi:%fp_%Ts_%rt:%pid
  unique-id-header x-request-id
  acl is_api path_beg /api
  acl is_orders hdr(host) -i orders orders:80 orders:19202
  use_backend orders if is_orders is_api
  default_backend orders
backend orders
  balance random(2)
${BACKEND_PORTS.map((port, index) => `  server s${index} 127.0.0.1:${port} pool-max-conn 512`).join('\n')}
`
    writeFileSync(join(directory, 'haproxy.cfg'), config)
    return started(19_202, start(core, 'haproxy', ['-db', '-f', join(directory, 'haproxy.cfg')]))
  },
}

const envoy: Peer = {
  name: 'envoy',
  port: 19_203,
  version: () => has('envoy', ['--version']),
  start: async (directory, core) => {
    const endpoint = (port: number) => ({ endpoint: { address: { socket_address: { address: '127.0.0.1', port_value: port } } } })
    const route = {
      timeout: '0s',
      cluster: 'orders',
      retry_policy: { retry_on: 'connect-failure,refused-stream,reset,gateway-error', num_retries: 2, per_try_timeout: '5s' },
    }
    const manager = {
      '@type': 'type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager',
      stat_prefix: 'in',
      route_config: {
        virtual_hosts: [
          {
            name: 'orders',
            domains: ['*'],
            routes: ['/api/v1', '/api', '/'].map(prefix => ({ match: { prefix }, route })),
          },
        ],
      },
      http_filters: [{ name: 'router', typed_config: { '@type': 'type.googleapis.com/envoy.extensions.filters.http.router.v3.Router' } }],
    }
    const config = {
      static_resources: {
        listeners: [
          {
            address: { socket_address: { address: '127.0.0.1', port_value: 19_203 } },
            filter_chains: [{ filters: [{ name: 'http', typed_config: manager }] }],
          },
        ],
        clusters: [
          {
            name: 'orders',
            type: 'STATIC',
            lb_policy: 'LEAST_REQUEST',
            connect_timeout: '1s',
            load_assignment: { cluster_name: 'orders', endpoints: [{ lb_endpoints: BACKEND_PORTS.map(endpoint) }] },
          },
        ],
      },
    }
    writeFileSync(join(directory, 'envoy.json'), JSON.stringify(config))
    const args = ['-c', join(directory, 'envoy.json'), '--concurrency', '1', '-l', 'error', '--use-dynamic-base-id']
    return started(19_203, start(core, 'envoy', args))
  },
}

const httpProxy: Peer = {
  name: 'http-proxy',
  port: 19_204,
  version: () => 'http-proxy',
  start: async (directory, core) => {
    const script = `const http = require('node:http'); const proxy = require('http-proxy').createProxyServer({ agent: new http.Agent({ keepAlive: true, maxSockets: 1024 }) });
let next = 0; proxy.on('error', (e, q, r) => { if (r.writeHead && !r.headersSent) { r.writeHead(502); } r.end() });
http.createServer({ keepAliveTimeout: 600000 }, (q, r) => proxy.web(q, r, { target: 'http://127.0.0.1:' + [${BACKEND_PORTS}][next++ % 4] })).listen(19204, '127.0.0.1');`
    writeFileSync(join(directory, 'http-proxy.cjs'), script)
    return started(
      19_204,
      start(core, process.execPath, [join(directory, 'http-proxy.cjs')], { NODE_PATH: join(process.cwd(), 'node_modules') }),
    )
  },
}

async function started(port: number, running: Running): Promise<Running> {
  await listening(port)
  return running
}

/** All counterparts, in the order of the table. */
export const PEERS: readonly Peer[] = [envoy, haproxy, nginx, httpProxy]
