#!/usr/bin/env node
// Starts the program under the Node that the package brings, whichever Node the machine has (20 or later). Plain JavaScript for that reason.
import { spawn } from 'node:child_process'
import { existsSync, readFileSync, realpathSync } from 'node:fs'
import { createRequire } from 'node:module'
import { constants } from 'node:os'
import { dirname, join } from 'node:path'
import { isatty } from 'node:tty'
import { fileURLToPath, pathToFileURL } from 'node:url'

/** What TypeScript sources and the data path need. */
const NODE_MAJOR = 26
const root = dirname(dirname(realpathSync(fileURLToPath(import.meta.url))))

/** The npm package `node`; else this very Node where it is new enough; else null. */
function findNode() {
  try {
    const folder = dirname(createRequire(join(root, 'package.json')).resolve('node/package.json'))
    const binary = join(folder, 'bin', process.platform === 'win32' ? 'node.exe' : 'node')
    if (existsSync(binary)) return binary
  } catch {
    // Not installed: its install script may have been switched off.
  }
  return Number(process.versions.node.split('.')[0]) >= NODE_MAJOR ? process.execPath : null
}

/** Sources in a checkout, which alone has them; the build in the published package. */
function findMain() {
  const source = join(root, 'control', 'cli', 'main.ts')
  return existsSync(source) ? source : join(root, 'dist', 'control', 'cli', 'main.js')
}

const node = findNode()
if (node === null) {
  process.stderr.write(
    `outrider: needs Node ${NODE_MAJOR} and found ${process.version}; the package "node", which brings it, is not installed. Run \`npm ci\` in a checkout, or \`npm install outrider\` with install scripts allowed.\n`,
  )
  process.exit(1)
}

const main = findMain()
const args = process.argv.slice(2)
// Sidecars run with a young generation of at most 12 MiB instead of 48: the same CPU, and a quarter less memory under load. V8 reads it only at its start.
const flags = args[0] === 'proxy' || args[0] === 'run' ? ['--max-semi-space-size=4'] : []
const canReplace = typeof process.execve === 'function' && process.platform !== 'win32'
const isSameNode = realpathSync(node) === realpathSync(process.execPath)
if (isSameNode && (flags.length === 0 || !canReplace)) (await import(pathToFileURL(main).href)).start()
else if (canReplace) replaceProcess()
else runChild()

/** Node 22.15 and later can become the other program: one process, so signals, exit code and pid are its own. */
function replaceProcess() {
  process.removeAllListeners('warning') // `execve` says that it is experimental.
  process.execve(node, [node, ...flags, main, ...args], process.env)
}

/** Older ones keep a parent, which hands on what it gets and ends as its child did. */
function runChild() {
  const child = spawn(node, [...flags, main, ...args], { stdio: 'inherit' })
  child.on('error', error => {
    process.stderr.write(`outrider: ${node} does not start: ${error.message}\n`)
    process.exit(1)
  })
  // `kill PID` reaches this process alone and is handed on.
  for (const signal of ['SIGTERM', 'SIGUSR2']) process.on(signal, () => child.kill(signal))
  // A terminal sends these to the whole foreground group, so the child has them already; a second one would mean "at once" to it.
  for (const signal of ['SIGINT', 'SIGQUIT', 'SIGHUP']) process.on(signal, () => isFromTerminal() || child.kill(signal))
  child.on('exit', (code, signal) => {
    if (signal === null) process.exit(code)
    process.removeAllListeners(signal)
    process.kill(process.pid, signal)
    // A signal that this process cannot die of: the shell's number for it.
    setTimeout(() => process.exit(128 + constants.signals[signal]), 1000)
  })
}

/** Whether this process is in the foreground of a terminal that it reads or writes. */
function isFromTerminal() {
  if (![0, 1, 2].some(isatty)) return false
  try {
    const [, , group, , , foreground] = readFileSync('/proc/self/stat', 'utf8').replace(/^.*\) /s, '').split(' ')
    return group === foreground
  } catch {
    return true // Not Linux: a terminal is all that is known.
  }
}
