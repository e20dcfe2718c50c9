import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { appEnvironment } from '../../../control/cli/app-environment.ts'
import { SIDECAR_FLAGS } from '../../../control/cli/sidecar-flags.ts'
import { parseAddress } from '../../../control/cli/values.ts'
import { containersOf, DEPLOY, MANIFESTS, podsOf, readYaml, type Tree } from '../../support/deploy-files.ts'
import { CONTROL_PORTS, SIDECAR_PORTS } from './started.ts'

const ROOT = join(DEPLOY, '..')

t.test('compose publishes on loopback only, and the control plane is behind an internal network', async t => {
  const { services, networks } = readYaml('compose.yaml')
  t.ok(networks.mesh.internal)
  const foreign = [9_090]
  for (const [name, service] of Object.entries<Tree>(services)) {
    for (const port of service.ports ?? []) {
      const [, inside] = /^127\.0\.0\.1:\d+:(\d+)$/.exec(port) ?? []
      t.ok([...SIDECAR_PORTS, ...CONTROL_PORTS, ...foreign].includes(Number(inside)), `${name} ${port}`)
    }
  }
  t.equal(services.jaeger.environment.QUERY_BASE_PATH, '/jaeger', 'its pages are below the control API')
  t.same(services.control.ports, ['127.0.0.1:15080:15080'], 'xDS is not published')
})

t.test('each app of compose joins the network of a sidecar that it waits for', async t => {
  const { services } = readYaml('compose.yaml')
  const apps = Object.entries<Tree>(services).filter(([, service]) => service.entrypoint !== undefined)
  t.equal(apps.length, 4)
  for (const [name, app] of apps) {
    const sidecar = `${name}-sidecar`
    t.equal(app.network_mode, `service:${sidecar}`)
    t.equal(app.depends_on[sidecar].condition, 'service_healthy')
    t.ok(services[sidecar].healthcheck.test.join(' ').includes(`127.0.0.1:${SIDECAR_PORTS[1]}/ready`), sidecar)
    t.ok(existsSync(join(ROOT, app.command[0].replace('/opt/outrider/dist/', '').replace(/\.js$/, '.ts'))), name)
  }
  for (const name of ['web-sidecar', 'control']) t.ok(services[name].networks.edge !== undefined, `${name} publishes a port`)
})

t.test('an app gets what `outrider run` would give it', async t => {
  const { outbound, app } = Object.fromEntries(SIDECAR_FLAGS.map(flag => [flag.name, parseAddress(flag.default ?? '')]))
  const wanted = appEnvironment({}, outbound as never, app?.port as number)
  const compose = Object.values<Tree>(readYaml('compose.yaml').services).filter(({ entrypoint }) => entrypoint !== undefined)
  const pods = MANIFESTS.flatMap(podsOf)
    .flatMap(({ spec }) => spec.containers)
    .filter(({ name }: Tree) => name === 'app')
  const environments: Record<string, string>[] = [
    ...compose.map(({ environment }) => environment),
    ...pods.map(({ env }: Tree) => Object.fromEntries(env.map(({ name, value }: Tree) => [name, value]))),
    Object.fromEntries(
      readFileSync(join(DEPLOY, 'systemd/app.env'), 'utf8')
        .split('\n')
        .filter(line => /^\w/.test(line))
        .map(line => line.split(/=(.*)/).slice(0, 2)),
    ),
  ]
  t.equal(environments.length, 7)
  for (const environment of environments) {
    for (const name of ['PORT', 'HTTP_PROXY', 'http_proxy', 'NO_PROXY', 'no_proxy', 'NODE_USE_ENV_PROXY'])
      t.equal(environment[name], wanted[name], name)
    for (const [name, value] of Object.entries(environment)) if (name !== 'VERSION') t.equal(value, wanted[name], name)
  }
})

t.test('Prometheus scrapes the ports that there are, found by the names that the manifests have', async t => {
  const jobs = readYaml('prometheus.yaml').scrape_configs
  t.same(
    jobs.flatMap((job: Tree) => job.dns_sd_configs.map(({ port }: Tree) => port)),
    [SIDECAR_PORTS[1], CONTROL_PORTS[0]],
  )
  const { services } = readYaml('compose.yaml')
  const names = jobs.flatMap((job: Tree) => job.dns_sd_configs.flatMap((each: Tree) => each.names))
  t.same(names, ['sidecars', 'control'])
  for (const [name, service] of Object.entries<Tree>(services))
    if (name.endsWith('-sidecar')) t.same(service.networks.mesh.aliases, ['sidecars'], name)
  const ports = new Set(
    MANIFESTS.flatMap(podsOf)
      .flatMap(containersOf)
      .flatMap(({ ports = [] }) => ports.map(({ name }: Tree) => name)),
  )
  for (const { relabel_configs: rules } of readYaml('kubernetes/prometheus.yaml').scrape_configs) t.ok(ports.has(rules[0].regex))
})
