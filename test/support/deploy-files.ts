import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { parse, parseAllDocuments } from 'yaml'

/** The folder of what users deploy by. */
export const DEPLOY = join(import.meta.dirname, '../../deploy')

// biome-ignore lint/suspicious/noExplicitAny: documents of others' formats, looked into freely
export type Tree = any

/** One process of ours that a file starts, as the program gets it. */
export interface Started {
  /** File and name, for the message. */
  readonly where: string
  /** After `outrider`; files are where they really are. */
  readonly words: readonly string[]
  readonly environment: Readonly<Record<string, string>>
}

export function readYaml(file: string): Tree {
  return parse(readFileSync(join(DEPLOY, file), 'utf8'), { merge: true })
}

/** All documents of a file. */
export function readAllYaml(file: string): Tree[] {
  return parseAllDocuments(readFileSync(join(DEPLOY, file), 'utf8')).map(document => {
    if (document.errors.length > 0) throw new Error(`${file}: ${document.errors[0]?.message}`)
    return document.toJS()
  })
}

/** The image's variables, which every process of it has. */
export function imageEnvironment(): Record<string, string> {
  const line = /^ENV (.+)$/m.exec(readFileSync(join(DEPLOY, 'Dockerfile'), 'utf8'))?.[1] ?? ''
  return Object.fromEntries(line.split(' ').map(pair => pair.split('=') as [string, string]))
}

/** Files of an image that come from elsewhere: what is mounted, by its path there. */
export class Mounted {
  readonly #folder = mkdtempSync(join(tmpdir(), 'outrider-mounted-'))
  readonly #paths = new Map<string, string>()

  /** @param path in the container. */
  add(path: string, text: string): void {
    const here = join(this.#folder, path)
    mkdirSync(dirname(here), { recursive: true })
    writeFileSync(here, text)
    for (let each = path; each !== '/'; each = dirname(each)) this.#paths.set(each, join(this.#folder, each))
  }

  /** The words with paths that are mounted where they really are. */
  places(words: readonly string[]): string[] {
    return words.map(word => this.#paths.get(word) ?? word)
  }

  remove(): void {
    rmSync(this.#folder, { recursive: true, force: true })
  }
}

/** The processes of ours in compose.yaml. */
export function composeProcesses(mounted: (name: string) => Mounted): Started[] {
  const { services, configs } = readYaml('compose.yaml')
  return Object.entries<Tree>(services)
    .filter(([, service]) => service.image.startsWith('outrider:') && service.entrypoint === undefined)
    .map(([name, service]) => {
      const files = mounted(name)
      for (const { source, target } of service.configs ?? []) files.add(target, readFileSync(join(DEPLOY, configs[source].file), 'utf8'))
      return {
        where: `compose.yaml ${name}`,
        words: files.places(service.command),
        environment: { ...imageEnvironment(), ...service.environment },
      }
    })
}

/** A Pod of a manifest: its own or that of a template. */
export interface Pod {
  readonly where: string
  readonly spec: Tree
}

/** Manifests of deploy/kubernetes, without Prometheus' own file. */
export const MANIFESTS = [
  'kubernetes/control-plane.yaml',
  'kubernetes/app-with-sidecar.yaml',
  'kubernetes/app-with-documents.yaml',
] as const

export function podsOf(file: string): Pod[] {
  return readAllYaml(file).flatMap(document => {
    const spec = document.kind === 'Pod' ? document.spec : document.spec?.template?.spec
    return spec === undefined ? [] : [{ where: `${file} ${document.metadata.name}`, spec }]
  })
}

/** Containers of a Pod, sidecars included. */
export function containersOf({ spec }: Pod): Tree[] {
  return [...(spec.initContainers ?? []), ...spec.containers]
}

/** What a fieldRef stands for. */
const FIELDS: Readonly<Record<string, string>> = { 'metadata.name': 'prices-7d9f', 'metadata.namespace': 'default' }

/** The processes of ours in a manifest: containers of the image that have `args` and no `command`. */
export function podProcesses(file: string, mounted: (name: string) => Mounted): Started[] {
  const maps = new Map(readAllYaml(file).flatMap(each => (each.kind === 'ConfigMap' ? [[each.metadata.name, each.data] as const] : [])))
  return podsOf(file).flatMap(pod =>
    containersOf(pod)
      .filter(({ image, command }) => image.startsWith('outrider:') && command === undefined)
      .map(container => {
        const where = `${pod.where} ${container.name}`
        const files = mounted(where)
        for (const { name, mountPath } of container.volumeMounts ?? []) {
          const map = maps.get(pod.spec.volumes.find((volume: Tree) => volume.name === name)?.configMap?.name)
          for (const [key, text] of Object.entries(map ?? {})) files.add(join(mountPath, key), text as string)
        }
        const given = (container.env ?? []).map(({ name, value, valueFrom }: Tree) => [name, value ?? FIELDS[valueFrom.fieldRef.fieldPath]])
        return { where, words: files.places(container.args), environment: { ...imageEnvironment(), ...Object.fromEntries(given) } }
      }),
  )
}

/** Lines of a unit, `KEY=VALUE`, in order. */
export function readUnit(file: string): { readonly key: string; readonly value: string }[] {
  const text = readFileSync(join(DEPLOY, 'systemd', file), 'utf8')
  return text.split('\n').flatMap(line => {
    const [, key, value] = /^([A-Za-z]+)=(.*)$/.exec(line) ?? []
    return key === undefined ? [] : [{ key, value: value as string }]
  })
}

/** The process of a unit. @param instance of a template. */
export function unitProcess(file: string, instance: string, mounted: (name: string) => Mounted): Started {
  const files = mounted(file)
  for (const name of ['control', 'orders'])
    files.add(`/etc/outrider/${name}.yaml`, readFileSync(join(DEPLOY, `systemd/${name}.yaml`), 'utf8'))
  const line = readUnit(file).find(({ key }) => key === 'ExecStart')?.value ?? ''
  const words = line
    .replaceAll('%i', instance)
    .replaceAll(/\$\{\w+\}/g, '/var/lib/outrider')
    .split(' ')
  if (words[1] !== 'outrider') throw new Error(`${file} starts ${line}`)
  return { where: file, words: files.places(words.slice(2)), environment: {} }
}

/** One COPY of the Dockerfile. */
export interface Copy {
  /** Null: from the checkout; else the stage. */
  readonly from: string | null
  readonly sources: readonly string[]
  readonly to: string
}

/** The stages of the Dockerfile with their lines, comments left out, continued lines joined. */
export function dockerStages(): { readonly image: string; readonly lines: readonly string[]; readonly copies: readonly Copy[] }[] {
  const text = readFileSync(join(DEPLOY, 'Dockerfile'), 'utf8')
    .replace(/^#.*\n/gm, '')
    .replaceAll(/\\\n\s*/g, '')
  return text
    .split(/^FROM /m)
    .slice(1)
    .map(stage => {
      const [first = '', ...lines] = stage.split('\n').filter(line => line !== '')
      const copies = lines.flatMap(line => {
        const [, from, rest] = /^COPY (?:--from=(\w+) )?(.+)$/.exec(line) ?? []
        if (rest === undefined) return []
        const paths = rest.split(' ')
        return [{ from: from ?? null, sources: paths.slice(0, -1), to: paths.at(-1) as string }]
      })
      return { image: first.split(' ')[0] as string, lines, copies }
    })
}
