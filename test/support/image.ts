import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  chownSync,
  copyFileSync,
  cpSync,
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
} from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { DEPLOY, dockerStages, imageEnvironment } from './deploy-files.ts'

const ROOT = join(DEPLOY, '..')

/** What deploy/Dockerfile makes, in a folder: there is no Docker engine where the tests run. Its COPY lines are carried out and its build is run; packages come from this checkout. */
export class Image {
  readonly root: string
  /** Unprivileged where this user may become somebody else. */
  readonly user: { readonly uid?: number; readonly gid?: number } = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {}

  /** @param root an empty folder, which stands for `/`. */
  constructor(root: string) {
    this.root = root
    const [build, runtime] = dockerStages()
    for (const { sources, to } of build?.copies ?? []) for (const source of sources) copyInto(join(ROOT, source), join(root, 'build', to))
    symlinkSync(join(ROOT, 'node_modules'), join(root, 'build/node_modules'))
    // Without the hooks that the test runner puts into every Node.
    execFileSync('env', ['-u', 'NODE_OPTIONS', process.execPath, join(root, 'build/scripts/build.js')], { stdio: 'pipe' })
    rmSync(join(root, 'build/node_modules'))
    copyPackages(join(root, 'build/node_modules'))
    for (const { from, sources, to } of runtime?.copies ?? []) {
      for (const source of sources) copyInto(join(from === null ? ROOT : root, source), join(root, 'opt/outrider', to))
    }
    rmSync(join(root, 'build'), { recursive: true })
    mkdirSync(join(root, 'usr/local/bin'), { recursive: true })
    linkOrCopy(process.execPath, this.node)
    chmodSync(root, 0o755)
    this.#closeWriting()
  }

  get node(): string {
    return join(this.root, 'usr/local/bin/node')
  }

  get launcher(): string {
    return join(this.root, 'opt/outrider/bin/outrider.js')
  }

  /** A data folder of one container, and the variables that the image gives it. */
  container(name: string): { readonly data: string; readonly environment: Record<string, string> } {
    const data = join(this.root, 'var/lib', name)
    mkdirSync(data, { recursive: true })
    if (this.user.uid !== undefined) chownSync(data, this.user.uid, this.user.gid as number)
    return { data, environment: { ...imageEnvironment(), HOME: data, OUTRIDER_DATA_DIR: data } }
  }

  /** Every path of the package's folder. */
  files(): string[] {
    return (readdirSync(join(this.root, 'opt'), { recursive: true }) as string[]).sort()
  }

  remove(): void {
    if (this.user.uid === undefined) execFileSync('chmod', ['-R', 'u+w', join(this.root, 'opt')])
    rmSync(this.root, { recursive: true, force: true })
  }

  /** Root's files need nothing; this user's own must lose the right. */
  #closeWriting(): void {
    execFileSync('chmod', ['-R', this.user.uid === undefined ? 'a-w' : 'go-w,a+rX', join(this.root, 'opt')])
  }
}

/** As COPY does: of a folder what is in it, into the target; a file into a target that ends with a slash. */
function copyInto(source: string, to: string): void {
  mkdirSync(to, { recursive: true })
  if (readdirOrNull(source) === null) copyFileSync(source, join(to, basename(source)))
  else cpSync(source, to, { recursive: true })
}

function readdirOrNull(path: string): string[] | null {
  try {
    return readdirSync(path)
  } catch {
    return null
  }
}

/** What `npm prune --omit=dev --ignore-scripts` leaves: the lock says which packages, and the binary of `node` came by a script. */
function copyPackages(to: string): void {
  const { packages } = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8')) as { packages: Record<string, { dev?: boolean }> }
  for (const [path, { dev = false }] of Object.entries(packages)) {
    const source = join(ROOT, path)
    if (path === '' || dev || !existsSync(source)) continue
    const filter = (each: string) => !each.slice(source.length).includes('/node_modules') && each !== join(ROOT, 'node_modules/node/bin')
    cpSync(source, join(dirname(to), path), { recursive: true, filter })
  }
}

function linkOrCopy(source: string, to: string): void {
  try {
    linkSync(source, to)
  } catch {
    copyFileSync(source, to)
  }
}
