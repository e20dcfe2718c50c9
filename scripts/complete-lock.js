// Completes package-lock.json after an `npm install`: a registry that lacks packages of other platforms makes npm leave them out of the lock, and
// `npm ci` then refuses it. Each gets the version that its parent names, as an optional package of its platform, which is never fetched elsewhere.
import { readFileSync, writeFileSync } from 'node:fs'

const file = new URL('../package-lock.json', import.meta.url)
const lock = JSON.parse(readFileSync(file, 'utf8'))
const SYSTEMS = { android: 'android', darwin: 'darwin', linux: 'linux', win32: 'win32', freebsd: 'freebsd', aix: 'aix', sunos: 'sunos', openbsd: 'openbsd', netbsd: 'netbsd' }
const PROCESSORS = { arm64: 'arm64', x64: 'x64', armv7: 'arm', arm: 'arm', ia32: 'ia32', riscv64: 'riscv64', ppc64: 'ppc64', s390x: 's390x', loong64: 'loong64', mips64el: 'mips64el' }

let added = 0
for (const [path, entry] of Object.entries(lock.packages)) {
  for (const [name, version] of Object.entries(entry.optionalDependencies ?? {})) {
    const place = `node_modules/${name}`
    if (lock.packages[place] !== undefined || lock.packages[`${path}/${place}`] !== undefined) continue
    const words = name.split(/[-/]/)
    const os = words.map(word => SYSTEMS[word]).filter(Boolean)
    const cpu = words.map(word => PROCESSORS[word]).filter(Boolean)
    if (os.length === 0 || cpu.length === 0) throw new Error(`${name}: its platform cannot be told from its name`)
    lock.packages[place] = { version, cpu, ...(entry.dev ? { dev: true } : {}), optional: true, os, ...(name.endsWith('-musl') ? { libc: ['musl'] } : {}) }
    added++
  }
}
const root = lock.packages['']
lock.packages = { '': root, ...Object.fromEntries(Object.entries(lock.packages).filter(([path]) => path !== '').sort(([a], [b]) => (a < b ? -1 : 1))) }
writeFileSync(file, `${JSON.stringify(lock, null, 2)}\n`)
process.stdout.write(`${added} entries added\n`)
