import { existsSync } from 'node:fs'
import { join } from 'node:path'

const TOOLS = join(import.meta.dirname, '../.tools')

/** The versions of Node that run the clients: the three that `install.sh` brings, and the project's own. */
export const NODE_VERSIONS = ['20', '22', '24', '26'] as const

/** A client or app program of the suite. */
export function program(path: string): string {
  return join(import.meta.dirname, '..', path)
}

/** A Node by its major version. @throws if `install.sh` has not been run. */
export function node(version: string): string {
  return version === '26' ? process.execPath : present(join(TOOLS, `node-${version}/bin/node`))
}

/** Python with the packages of the suite. @throws if `install.sh` has not been run. */
export function python(): string {
  return present(join(TOOLS, 'python/bin/python'))
}

/** The Go program of `clients/` or `apps/`. @throws if `install.sh` has not been run. */
export function goProgram(name: 'client' | 'app'): string {
  return present(join(TOOLS, `go-${name}`))
}

/** Jaeger, all in one process. @throws if `install.sh` has not been run. */
export function jaegerProgram(): string {
  return present(join(TOOLS, 'jaeger'))
}

function present(path: string): string {
  if (!existsSync(path)) throw new Error(`${path} is missing: run test/interop/install.sh`)
  return path
}
