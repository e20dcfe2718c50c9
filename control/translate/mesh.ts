import type { Document, MeshSpec } from '../model/document.ts'
import type { MeshView } from './tables.ts'

export const DEFAULT_TRUST_DOMAIN = 'cluster.local'

/** The `Mesh` document with its defaults filled in. */
export function meshView(mesh: Document<MeshSpec> | null): MeshView {
  const spec = mesh?.spec ?? {}
  return {
    trustDomain: (spec.trustDomain ?? DEFAULT_TRUST_DOMAIN).toLowerCase(),
    via: spec.via !== 'off',
    upgrades: [...new Set((spec.upgrades ?? []).map(each => each.toLowerCase()))].sort(),
    isEgressAllowed: spec.egress?.unknownHosts !== 'deny',
  }
}
