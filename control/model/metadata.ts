import { name, pattern, text } from './fields.ts'
import { object, record, type Schema } from './schema.ts'

/** Labels and annotations of one document at most: what Kubernetes' tools write stays far below. */
export const MAX_LABELS = 64

const LABEL_NAME = /^([a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?\/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/
const LABEL_VALUE = /^([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?$/

/** What is wrong with a label's or annotation's key; null: nothing. As in Kubernetes. */
function labelKey(key: string): string | null {
  return LABEL_NAME.test(key) ? null : 'is not a label name'
}

/** Labels, as in Kubernetes. */
export const labels: Schema = record(
  labelKey,
  pattern(LABEL_VALUE, 63, 'is not a label value', 'letters, digits, -, _ and ., at most 63'),
  MAX_LABELS,
)

/** Annotations: free text, 16 KiB each. */
export const annotations: Schema = record(
  labelKey,
  text({ maxLength: 16_384, allowed: 'text of at most 16384 characters', test: () => null }),
  MAX_LABELS,
)

/** What every document says of itself. */
export const metadata: Schema = object({
  required: ['name'],
  fields: {
    name,
    namespace: name,
    labels,
    annotations,
    resourceVersion: pattern(/^(0|[1-9][0-9]{0,15})$/, 16, 'is not a resource version', 'what the control API answered, such as "42"'),
    creationTimestamp: text({ maxLength: 64, allowed: 'an RFC 3339 time; the store sets it', test: () => null }),
  },
})
