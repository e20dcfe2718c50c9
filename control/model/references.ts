import { name, port, word } from './fields.ts'
import { object, type Path, type Report, type Schema } from './schema.ts'

/** Groups in which a Service lives: Kubernetes' core group and ours, so that one file serves both. */
export const SERVICE_GROUPS = ['', 'outrider.dev']
/** The Gateway API's group. */
export const GATEWAY_GROUP = 'gateway.networking.k8s.io'

const SERVICE = { group: word(SERVICE_GROUPS), kind: word(['Service']), name, namespace: name, port }

/** What a route hangs on: in a mesh, a Service. The Gateway API's default kind is Gateway, so the kind must be said. */
export const parentRef: Schema = object({
  required: ['kind', 'name'],
  fields: { ...SERVICE, kind: word(['Service'], ['Gateway']), sectionName: name },
  rules: [parentGroup],
})

/** The Gateway API's default group of a parentRef is its own, where no Service lives: such a file would not work in Kubernetes. */
function parentGroup(value: Readonly<Record<string, unknown>>, path: Path, report: Report): void {
  if (value['group'] !== undefined) return
  report.warning([...path, 'group'], undefined, 'is taken as "", which Kubernetes would not do', '"", outrider.dev')
}

/** The fields by which a backendRef names its service. */
export const BACKEND_FIELDS = { ...SERVICE }

/** What a policy is for: a Service (or its port, by number or name), or an HTTPRoute (or its rule, by name). */
export const targetRef: Schema = object({
  required: ['kind', 'name'],
  fields: {
    group: word([...SERVICE_GROUPS, GATEWAY_GROUP]),
    kind: word(['Service', 'HTTPRoute'], ['GRPCRoute']),
    name,
    namespace: name,
    port,
    sectionName: name,
  },
  rules: [targetGroup],
})

function targetGroup(value: Readonly<Record<string, unknown>>, path: Path, report: Report): void {
  const { group, kind } = value
  if (kind === 'HTTPRoute' && value['port'] !== undefined)
    report.fault([...path, 'port'], value['port'], 'is for a Service: an HTTPRoute has none', 'sectionName, the name of a rule')
  if (kind === 'HTTPRoute' && group !== GATEWAY_GROUP)
    report.fault([...path, 'group'], group, 'is not the group of HTTPRoute', GATEWAY_GROUP)
  if (kind === 'Service' && group === GATEWAY_GROUP)
    report.fault([...path, 'group'], group, 'is not the group of Service', '"" or outrider.dev')
}
