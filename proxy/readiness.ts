/** One half of readiness, with the reason in words where it is not there. */
export interface Part {
  readonly isReady: boolean
  readonly reason: string
}

/**
 * Whether this sidecar can be used. Two parts, or the app would wait for its sidecar while the sidecar waits for the app:
 * outbound needs a configuration only; inbound needs that and the app.
 */
export interface Readiness {
  readonly outbound: Part
  readonly inbound: Part
}

/** What readiness is made of. */
export interface ReadinessInput {
  readonly hasConfiguration: boolean
  readonly control: string
  readonly isDraining: boolean
  readonly app: { readonly isReady: boolean; readonly reason: string; readonly address: string }
}

const READY: Part = { isReady: true, reason: '' }

/** Configuration age plays no part: losing the control plane never changes what a sidecar does. */
export function readinessOf(input: ReadinessInput): Readiness {
  if (input.isDraining) return { outbound: missing('draining'), inbound: missing('draining') }
  if (!input.hasConfiguration) {
    const part = missing(`no configuration yet from the control plane at ${input.control}, and none kept on disk`)
    return { outbound: part, inbound: part }
  }
  if (!input.app.isReady) return { outbound: READY, inbound: missing(`the app at ${input.app.address} is not ready: ${input.app.reason}`) }
  return { outbound: READY, inbound: READY }
}

function missing(reason: string): Part {
  return { isReady: false, reason }
}
