// Installs what is needed and missing, and says nothing when nothing is: `prestart` and `pretest`. Plain JavaScript: it runs under any Node from 20 on,
// before there are packages. `--tests`: also makes tap's test class, which leaves out the plug-in that .taprc removes.
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, statSync } from 'node:fs'
import { delimiter, dirname, join, sep } from 'node:path'
import { fileURLToPath } from 'node:url'

const isWindows = sep === '\\'
const root = dirname(dirname(fileURLToPath(import.meta.url)))

/** When a file was last written, ms; -1 where it is not there. */
function writtenAt(...path) {
  const file = join(root, ...path)
  return existsSync(file) ? statSync(file).mtimeMs : -1
}

/** npm writes its own lock file at the end of an install. The system's npm runs it: the Node in node_modules is replaced on the way. */
function install() {
  if (writtenAt('node_modules', '.package-lock.json') >= writtenAt('package-lock.json')) return
  process.stderr.write('installing packages (npm ci)\n')
  const path = (process.env.PATH ?? '')
    .split(delimiter)
    .filter(folder => !folder.endsWith(join('node_modules', '.bin')))
    .join(delimiter)
  const env = { ...process.env, PATH: path }
  const options = ['--no-audit', '--no-fund', '--loglevel=error']
  const ci = spawnSync('npm', ['ci', ...options], { cwd: root, env, encoding: 'utf8', shell: isWindows })
  if (ci.status === 0) return
  const told = `${ci.stdout ?? ''}${ci.stderr ?? ''}`
  // A lock file that was made with a registry that lacks other platforms' packages does not name them, and `npm ci` takes that for a fault.
  if (told.includes('EUSAGE')) run('npm', ['install', '--no-save', ...options], env)
  else failed('npm', ['ci'], ci, told)
}

/** The test class is out of date after every install and after a change of .taprc. */
function buildTests() {
  const built = ['node_modules', '@tapjs', 'test', 'test-built', 'dist', 'esm', 'index.js']
  const isFresh = writtenAt(...built) >= writtenAt('.taprc')
  if (isFresh && !readFileSync(join(root, ...built), 'utf8').includes('@tapjs/typescript')) return
  process.stderr.write('making the test class (tap build)\n')
  const bin = join(root, 'node_modules', '.bin')
  run(join(bin, 'tap'), ['build'], { ...process.env, PATH: `${bin}${delimiter}${process.env.PATH ?? ''}` })
}

/** Ends this process as the command ended, where it failed. Its answers go to standard error: standard output is the caller's. */
function run(command, args, env) {
  const ended = spawnSync(command, args, { cwd: root, env, stdio: ['ignore', 2, 2], shell: isWindows })
  if (ended.status !== 0) failed(command, args, ended, '')
}

function failed(command, args, { status, error }, told) {
  process.stderr.write(`${told}${command} ${args.join(' ')} failed${error === undefined ? '' : `: ${error.message}`}\n`)
  process.exit(status ?? 1)
}

install()
if (process.argv.includes('--tests')) buildTests()
