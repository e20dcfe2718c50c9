import t from 'tap'
import { KINDS } from '../../../../control/model/document.ts'
import { formatDuration, MAX_DURATION_MS, parseDuration } from '../../../../control/model/duration.ts'
import { jsonSchemaOf, kindOf } from '../../../../control/model/kinds.ts'
import { buildModel, documentsOf, EMPTY_MODEL } from '../../../../control/model/model.ts'
import { editDistance, nearest } from '../../../../control/model/nearest.ts'
import { sourceOf } from '../../../../control/model/parse.ts'
import { formatPath } from '../../../../control/model/schema.ts'

t.test('durations of GEP-2257', async t => {
  const good = {
    '0s': 0,
    '500ms': 500,
    '10s': 10_000,
    '1h30m': 5_400_000,
    '1h30m5s7ms': 5_405_007,
    '90m': 5_400_000,
    '5s5s': 10_000,
    '99999ms': 99_999,
  }
  for (const [text, ms] of Object.entries(good)) t.equal(parseDuration(text), ms, text)
  for (const text of ['', '10', 's', '-1s', '1.5s', '1d', '100000s', '1s1s1s1s1s', ' 1s', '1S', '10s\n'])
    t.equal(parseDuration(text), null, JSON.stringify(text))
})

t.test('a duration that is formatted reads as the same', async t => {
  for (const ms of [0, 1, 999, 1_000, 61_001, 5_405_007, MAX_DURATION_MS])
    t.equal(parseDuration(formatDuration(ms)), ms, formatDuration(ms))
  t.equal(formatDuration(5_400_000), '1h30m')
})

t.test('the nearest known word: slips, swaps and case; never what is far', async t => {
  const words = ['ports', 'endpoints', 'dns', 'selector']
  t.equal(nearest('port', words), 'ports')
  t.equal(nearest('enpdoints', words), 'endpoints')
  t.equal(nearest('SELECTOR', words), 'selector')
  t.equal(nearest('replicas', words), null)
  t.equal(nearest('x', []), null)
  t.equal(nearest('x'.repeat(100_000), words), null)
  t.equal(editDistance('abcd', 'abdc'), 1)
  t.equal(editDistance('', 'abc'), 3)
})

t.test('paths of documents', async t => {
  t.equal(formatPath(['spec', 'rules', 0, 'matches', 12, 'path']), 'spec.rules[0].matches[12].path')
  t.equal(formatPath(['metadata', 'labels', 'app.kubernetes.io/name']), 'metadata.labels["app.kubernetes.io/name"]')
  t.equal(formatPath([]), '')
})

t.test('a kind in any case', async t => {
  t.equal(kindOf('httproute'), 'HTTPRoute')
  t.equal(kindOf('pod'), null)
})

t.test('each kind has a JSON Schema that names its fields and what must be there', async t => {
  for (const kind of KINDS) {
    const schema = jsonSchemaOf(kind) as {
      readonly required: unknown
      readonly properties: Readonly<Record<string, { readonly properties?: object }>>
    }
    t.same(schema.required, ['apiVersion', 'kind', 'metadata', 'spec'])
    t.ok(Object.keys(schema.properties['spec']?.properties ?? {}).length > 2)
    t.same(JSON.parse(JSON.stringify(schema)), schema, 'it is plain JSON')
  }
})

t.test('a model is sorted, holds the last of each name, and gives its documents back', async t => {
  const of = (kind: string, name: string, namespace = 'default', spec = {}) =>
    sourceOf({ kind, metadata: { name, namespace }, spec }).documents[0]!.document
  const model = buildModel(
    [of('Service', 'b'), of('Service', 'a'), of('Service', 'z', 'alpha'), of('Service', 'b', 'default', { x: 1 }), of('Mesh', 'default')],
    7,
  )
  t.same(
    model.services.map(({ metadata, spec }) => [metadata.namespace, metadata.name, spec]),
    [
      ['alpha', 'z', {}],
      ['default', 'a', {}],
      ['default', 'b', { x: 1 }],
    ],
  )
  t.equal(documentsOf(model).length, 4)
  t.equal(documentsOf(EMPTY_MODEL).length, 0)
})
