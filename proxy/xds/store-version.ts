/**
 * Whose configuration a response is. `system_version_info` is `<store id>/<revision of the documents>/<serial of the endpoints>`;
 * `control_plane.identifier` is `outrider <store id>`, and `outrider <store id> adopt` where the control plane runs with `--adopt`.
 */

/** A store at a revision. */
export interface StoreVersion {
  readonly storeId: string
  readonly revision: number
}

/** Why a control plane's configuration is not followed. */
export type Refusal = 'foreign-store' | 'old-revision'

/** Reads `system_version_info`; null where it is none. */
export function parseSystemVersion(text: string): StoreVersion | null {
  const match = /^([^/\s]+)\/(\d{1,15})(?:\/\S*)?$/.exec(text)
  return match === null ? null : { storeId: match[1] as string, revision: Number(match[2]) }
}

/** Whether the operator has told this control plane to take over sidecars of another store or a later revision. */
export function isAdopting(identifier: string): boolean {
  const words = identifier.split(' ')
  return words[0] === 'outrider' && words.slice(2).includes('adopt')
}

/**
 * Whether a sidecar follows: a second control plane with an empty store, or one restored from an old copy, must not undo a running mesh by itself.
 *
 * @param present what the sidecar runs; null: nothing yet, and it follows whoever is first.
 */
export function judge(present: StoreVersion | null, offered: StoreVersion, identifier: string): Refusal | null {
  if (present === null || isAdopting(identifier)) return null
  if (present.storeId !== offered.storeId) return 'foreign-store'
  return offered.revision < present.revision ? 'old-revision' : null
}

/** The NACK's text, which begins with the refusal. */
export function refusalText(refusal: Refusal, present: StoreVersion, offered: StoreVersion): string {
  const runs = `this sidecar runs revision ${present.revision} of store ${present.storeId}`
  const offer = refusal === 'foreign-store' ? `store ${offered.storeId}` : `revision ${offered.revision} of it`
  return `${refusal}: ${runs} and was offered ${offer}; it follows after \`outrider control --adopt\``
}
