import t from 'tap'
import { healthRoutes } from '../../../proxy/admin/pages.ts'
import { MANIFESTS, podsOf, readAllYaml, type Started, type Tree } from '../../support/deploy-files.ts'
import { allProcesses, CONTROL_PORTS, invocationOf, SIDECAR_PORTS } from './started.ts'

const PROCESSES = allProcesses(t)
const READY = { isReady: true, reason: '' }
const HEALTH_PATHS = healthRoutes({
  readiness: () => ({ outbound: READY, inbound: READY }),
  metrics: async () => ({ contentType: '', text: '' }),
}).map(({ path }) => path)

t.test('sidecars of Pods are native ones, with ports and probes that exist', async t => {
  const sidecars = MANIFESTS.flatMap(podsOf).flatMap(({ spec }) => spec.initContainers ?? [])
  t.equal(sidecars.length, 2)
  for (const { restartPolicy, ports, startupProbe, readinessProbe, livenessProbe } of sidecars) {
    t.equal(restartPolicy, 'Always')
    t.same(
      ports.map((port: Tree) => port.containerPort),
      SIDECAR_PORTS,
    )
    t.same(
      [startupProbe, readinessProbe, livenessProbe].map(probe => probe.httpGet),
      [
        { path: '/ready', port: 'outrider-health' },
        { path: '/ready/inbound', port: 'outrider-health' },
        { path: '/live', port: 'outrider-health' },
      ],
    )
    for (const probe of [startupProbe, readinessProbe, livenessProbe]) t.ok(HEALTH_PATHS.includes(probe.httpGet.path))
  }
})

t.test('the control plane of Kubernetes has its ports, probes, service and policy by the same names', async t => {
  const documents = readAllYaml('kubernetes/control-plane.yaml')
  const of = (kind: string) => documents.find(each => each.kind === kind)
  const [container] = of('StatefulSet').spec.template.spec.containers
  t.equal(of('StatefulSet').spec.replicas, 1)
  const names = new Map<string, number>(container.ports.map(({ name, containerPort }: Tree) => [name, containerPort]))
  t.same([...names.values()].sort(), [...CONTROL_PORTS].sort())
  for (const { port, targetPort } of of('Service').spec.ports) t.equal(names.get(targetPort), port)
  for (const { ports } of of('NetworkPolicy').spec.ingress) t.ok(names.has(ports[0].port))
  for (const probe of ['startupProbe', 'readinessProbe', 'livenessProbe']) t.ok(names.has(container[probe].httpGet.port))
  const control = PROCESSES.find(({ where }) => where.startsWith('kubernetes/control-plane'))
  const sidecar = PROCESSES.find(({ where }) => where.startsWith('kubernetes/app-with-sidecar'))
  const { name, namespace } = of('Service').metadata
  t.same(invocationOf(sidecar as Started).flags.address('control'), {
    host: `${name}.${namespace}.svc`,
    port: invocationOf(control as Started).flags.address('xds')?.port,
  })
})
