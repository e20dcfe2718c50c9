/** What every document has, whatever its kind. As stored and as answered by the control API. */
export interface Document<Spec = unknown> {
  readonly apiVersion: string
  readonly kind: Kind
  readonly metadata: Metadata
  readonly spec: Spec
}

export interface Metadata {
  readonly name: string
  readonly namespace: string
  readonly labels?: Readonly<Record<string, string>>
  readonly annotations?: Readonly<Record<string, string>>
  /** Set by the store, for optimistic concurrency: the revision at which the document last changed, in decimal. */
  readonly resourceVersion?: string
  /** RFC 3339. Set by the store. */
  readonly creationTimestamp?: string
}

export const KINDS = ['Service', 'HTTPRoute', 'TrafficPolicy', 'Mesh'] as const
export type Kind = (typeof KINDS)[number]

/** The annotation by which the CLI says where a document was written: `FILE:LINE`. */
export const ORIGIN_ANNOTATION = 'outrider.dev/origin'

/** `Service default/orders`: how messages name a document. */
export function documentName(document: {
  readonly kind: string
  readonly metadata: { readonly name: string; readonly namespace: string }
}): string {
  return `${document.kind} ${document.metadata.namespace}/${document.metadata.name}`
}

/** `HTTPRoute default/orders (routes.yaml:12)`, or without the place where nobody said it. */
export function documentOrigin(document: Document): string {
  const place = document.metadata.annotations?.[ORIGIN_ANNOTATION]
  return place === undefined ? documentName(document) : `${documentName(document)} (${place})`
}

/** One fault of a document; all faults are reported at once. The members of the control API's 422. */
export interface Fault {
  /** `HTTPRoute default/orders`, or what could be read of it. */
  readonly document: string
  /** `spec.rules[0].matches[1].path.value`. */
  readonly path: string
  /** Where it was written: `routes.yaml:12`, or the line of the body as `line 12`. Empty where nobody knows. */
  readonly line: string
  readonly value: unknown
  readonly message: string
  /** What would be right. */
  readonly allowed: string
}

export interface ServiceSpec {
  readonly ports: readonly ServicePort[]
  readonly endpoints?: readonly ListedEndpoint[]
  readonly dns?: { readonly name: string; readonly port: number }
  /** Registered sidecars by label; `service` is always among their labels. */
  readonly selector?: Readonly<Record<string, string>>
}

export interface ServicePort {
  readonly name?: string
  readonly port: number
  readonly protocol: 'http' | 'http2' | 'grpc' | 'tcp' | 'tls'
}

export interface ListedEndpoint {
  readonly address: string
  readonly port: number
  readonly weight?: number
  readonly labels?: Readonly<Record<string, string>>
}

export interface HTTPRouteSpec {
  readonly parentRefs: readonly ObjectReference[]
  readonly hostnames?: readonly string[]
  readonly rules: readonly HTTPRouteRule[]
}

export interface ObjectReference {
  readonly group?: string
  readonly kind?: string
  readonly name: string
  readonly namespace?: string
  readonly port?: number
  readonly sectionName?: string
}

export interface HTTPRouteRule {
  readonly name?: string
  readonly matches?: readonly HTTPRouteMatch[]
  readonly filters?: readonly HTTPRouteFilter[]
  readonly backendRefs?: readonly HTTPBackendRef[]
  readonly timeouts?: { readonly request?: string; readonly backendRequest?: string }
  readonly retry?: { readonly codes?: readonly number[]; readonly attempts?: number; readonly backoff?: string }
}

export interface HTTPRouteMatch {
  readonly path?: { readonly type?: 'Exact' | 'PathPrefix' | 'RegularExpression'; readonly value?: string }
  readonly headers?: readonly { readonly type?: 'Exact' | 'RegularExpression'; readonly name: string; readonly value: string }[]
  readonly queryParams?: readonly { readonly type?: 'Exact' | 'RegularExpression'; readonly name: string; readonly value: string }[]
  readonly method?: string
}

export interface HTTPHeaderFilter {
  readonly set?: readonly { readonly name: string; readonly value: string }[]
  readonly add?: readonly { readonly name: string; readonly value: string }[]
  readonly remove?: readonly string[]
}

export interface HTTPPathModifier {
  readonly type: 'ReplaceFullPath' | 'ReplacePrefixMatch'
  readonly replaceFullPath?: string
  readonly replacePrefixMatch?: string
}

export type HTTPRouteFilter =
  | { readonly type: 'RequestHeaderModifier'; readonly requestHeaderModifier: HTTPHeaderFilter }
  | { readonly type: 'ResponseHeaderModifier'; readonly responseHeaderModifier: HTTPHeaderFilter }
  | {
      readonly type: 'RequestRedirect'
      readonly requestRedirect: {
        readonly scheme?: 'http' | 'https'
        readonly hostname?: string
        readonly port?: number
        readonly statusCode?: number
        readonly path?: HTTPPathModifier
      }
    }
  | { readonly type: 'URLRewrite'; readonly urlRewrite: { readonly hostname?: string; readonly path?: HTTPPathModifier } }

export interface HTTPBackendRef extends ObjectReference {
  readonly weight?: number
  readonly filters?: readonly HTTPRouteFilter[]
}

export interface TrafficPolicySpec {
  /** Services, or HTTPRoutes. */
  readonly targetRefs: readonly ObjectReference[]
  readonly loadBalancer?: { readonly policy: 'roundRobin' | 'leastRequest' }
  readonly timeouts?: { readonly connect?: string; readonly request?: string; readonly idle?: string }
  readonly retry?: {
    readonly attempts?: number
    readonly perTryTimeout?: string
    readonly on?: readonly string[]
    readonly codes?: readonly number[]
    readonly backoff?: string
    readonly maxBackoff?: string
    readonly unsafeMethods?: boolean
    readonly budget?: { readonly percent?: number; readonly minPerSecond?: number }
  }
  readonly circuitBreaker?: {
    readonly maxConnections?: number
    readonly maxPending?: number
    readonly maxRequests?: number
    readonly maxRetries?: number
  }
}

export interface MeshSpec {
  readonly trustDomain?: string
  readonly mtls?: { readonly mode?: 'permissive' | 'disable' }
  readonly tracing?: { readonly samplingPercent?: number; readonly propagators?: readonly ('tracecontext' | 'b3' | 'b3multi')[] }
  readonly accessLog?: { readonly mode?: 'off' | 'errors' | 'all'; readonly format?: 'json' | 'text' }
  readonly egress?: { readonly unknownHosts?: 'allow' | 'deny' }
  readonly via?: 'on' | 'off'
  readonly upgrades?: readonly string[]
}

/** All documents of one revision, as the translator reads them. */
export interface Model {
  readonly revision: number
  readonly services: readonly Document<ServiceSpec>[]
  readonly httpRoutes: readonly Document<HTTPRouteSpec>[]
  readonly trafficPolicies: readonly Document<TrafficPolicySpec>[]
  /** The one named `default`; null: the defaults hold. */
  readonly mesh: Document<MeshSpec> | null
}
