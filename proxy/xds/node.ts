import { create } from '@bufbuild/protobuf'
import { type Node, NodeSchema } from '../../protos/gen/envoy/config/core/v3/base_pb.ts'
import type { Bootstrap } from '../config/bootstrap.ts'

/** What `control/xds` knows our sidecars by. */
export const USER_AGENT = 'outrider'

/** Who asks: the service is the node's cluster; what xDS has no field for is in its metadata. */
export function nodeOf(bootstrap: Bootstrap): Node {
  const { nodeId, service, namespace, labels, build } = bootstrap
  return create(NodeSchema, {
    id: nodeId,
    cluster: service,
    metadata: { service, namespace, labels: { ...labels } },
    userAgentName: USER_AGENT,
    userAgentVersionType: { case: 'userAgentVersion', value: build },
  })
}
