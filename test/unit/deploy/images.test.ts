import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { containersOf, DEPLOY, dockerStages, MANIFESTS, podsOf, readUnit, readYaml, type Tree } from '../../support/deploy-files.ts'
import { CONTROL_PORTS, SIDECAR_PORTS } from './started.ts'

const ROOT = join(DEPLOY, '..')
const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string; dependencies: Record<string, string> }

t.test('images are pinned by version, ours by the version of the package, and Node as package.json has it', async t => {
  const compose = Object.values<Tree>(readYaml('compose.yaml').services).map(({ image }) => image)
  const pods = MANIFESTS.flatMap(podsOf)
    .flatMap(containersOf)
    .map(({ image }) => image)
  for (const image of [...compose, ...pods]) {
    t.match(image, /^[\w./-]+:v?\d+\.\d+\.\d+$/)
    if (image.startsWith('outrider:')) t.equal(image, `outrider:${manifest.version}`)
  }
  for (const { image } of dockerStages()) t.equal(image, `node:${manifest.dependencies['node']}-bookworm-slim`)
})

t.test('every container is unprivileged, and its root file system is read-only', async t => {
  for (const [name, service] of Object.entries<Tree>(readYaml('compose.yaml').services)) {
    t.ok(service.read_only, name)
    t.same(service.cap_drop, ['ALL'], name)
    t.same(service.security_opt, ['no-new-privileges:true'], name)
    t.match(service.user, /^[1-9]\d*(:[1-9]\d*)?$/, name)
  }
  for (const pod of MANIFESTS.flatMap(podsOf)) {
    t.ok(pod.spec.securityContext.runAsNonRoot && pod.spec.securityContext.runAsUser > 0, pod.where)
    t.equal(pod.spec.securityContext.seccompProfile.type, 'RuntimeDefault', pod.where)
    t.equal(pod.spec.automountServiceAccountToken, false, pod.where)
    t.equal(pod.spec.enableServiceLinks, false, pod.where)
    for (const { name, securityContext, resources } of containersOf(pod)) {
      const wanted = { allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: { drop: ['ALL'] } }
      t.same(securityContext, wanted, `${pod.where} ${name}`)
      t.ok(resources.requests.cpu && resources.requests.memory && resources.limits.memory, `${pod.where} ${name}`)
      t.equal(resources.limits.cpu, undefined, `${pod.where} ${name}: a CPU limit throttles when there is most to do`)
    }
  }
  t.ok(
    dockerStages()
      .at(-1)
      ?.lines.some(line => /^USER [1-9]\d*:[1-9]\d*$/.test(line)),
  )
})

t.test('what the Dockerfile copies exists, gets through its .dockerignore, and is all that the build needs', async t => {
  const [build, runtime] = dockerStages()
  const ignored = readFileSync(join(DEPLOY, 'Dockerfile.dockerignore'), 'utf8').split('\n')
  const fromCheckout = [...(build?.copies ?? []), ...(runtime?.copies ?? [])]
    .filter(({ from }) => from === null)
    .flatMap(({ sources }) => sources)
  for (const source of fromCheckout) {
    t.ok(existsSync(join(ROOT, source)), source)
    t.ok(ignored.includes(`!${source}`), source)
  }
  const { include } = JSON.parse(readFileSync(join(ROOT, 'tsconfig.build.json'), 'utf8')) as { include: string[] }
  for (const folder of include) t.ok(fromCheckout.includes(folder), folder)
  t.same(
    runtime?.copies.filter(({ from }) => from !== null).map(({ from, sources }) => `${from} ${sources}`),
    ['build /build/node_modules', 'build /build/bin', 'build /build/dist'],
  )
  const exposed = runtime?.lines
    .find(line => line.startsWith('EXPOSE'))
    ?.split(' ')
    .slice(1)
    .map(Number)
  t.same(exposed?.sort(), [...SIDECAR_PORTS, ...CONTROL_PORTS].sort())
})

t.test('units run unprivileged, write their own folders only, and start once they are ready', async t => {
  for (const file of readdirSync(join(DEPLOY, 'systemd')).filter(name => name.endsWith('.service'))) {
    const lines = new Map(readUnit(file).map(({ key, value }) => [key, value]))
    const wanted = {
      DynamicUser: 'yes',
      NoNewPrivileges: 'yes',
      CapabilityBoundingSet: '',
      ProtectSystem: 'strict',
      ProtectHome: 'yes',
      PrivateTmp: 'yes',
    }
    for (const [key, value] of Object.entries(wanted)) t.equal(lines.get(key), value, `${file} ${key}`)
    t.equal(lines.get('StateDirectory'), lines.get('RuntimeDirectory'), file)
    t.match(lines.get('ExecStart'), /--ready-file \$\{RUNTIME_DIRECTORY\}\/ready$/, file)
    t.match(lines.get('ExecStartPost'), /RUNTIME_DIRECTORY\/ready/, file)
    t.ok(Number(lines.get('LimitNOFILE')) > 20_100, file)
  }
})
