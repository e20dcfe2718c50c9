import t from 'tap'
import { MAX_DOCUMENTS_PER_CALL, MAX_TEXT_BYTES, parseDocuments, sourceOf } from '../../../../control/model/parse.ts'
import { MAX_FAULTS, placeOf } from '../../../../control/model/source.ts'

const names = (text: string, format: 'auto' | 'json' | 'yaml' = 'auto') =>
  parseDocuments(text, { format }).documents.map(
    ({ document }) => `${document.kind} ${document.metadata.namespace}/${document.metadata.name}`,
  )

t.test('several YAML documents, empty ones and comments left out', async t => {
  const text =
    '---\nkind: Service\nmetadata: { name: a }\n---\n# nothing\n---\n---\nkind: Mesh\nmetadata: { name: default, namespace: x }\n'
  t.same(names(text), ['Service default/a', 'Mesh x/default'])
  t.same(parseDocuments(''), { documents: [], faults: [] })
  t.same(names('\uFEFFkind: Service\nmetadata: { name: a }\n'), ['Service default/a'], 'a byte order mark is no text')
})

t.test('JSON: one document, an array, a List; YAML: a sequence, a List', async t => {
  const one = { kind: 'Service', metadata: { name: 'a' } }
  const two = { kind: 'Service', metadata: { name: 'b' } }
  t.same(names(JSON.stringify(one)), ['Service default/a'])
  t.same(names(JSON.stringify([one, two]), 'json'), ['Service default/a', 'Service default/b'])
  t.same(names(JSON.stringify({ apiVersion: 'v1', kind: 'List', items: [one, two] }, null, 2)), ['Service default/a', 'Service default/b'])
  t.same(names('- kind: Service\n  metadata: { name: a }\n- kind: Service\n  metadata: { name: b }\n'), [
    'Service default/a',
    'Service default/b',
  ])
  t.same(names('kind: List\nitems:\n- kind: Service\n  metadata: { name: a }\n'), ['Service default/a'])
  t.same(names('{ kind: Service, metadata: { name: a } }'), ['Service default/a'], 'YAML that begins like JSON')
})

t.test('every part has its line, in YAML and in JSON, in lists too', async t => {
  const yaml = parseDocuments(
    'kind: List\nitems:\n- kind: Service\n  metadata:\n    name: a\n  spec:\n    ports:\n    - port: 1\n    - port: 2\n',
  )
  const json = parseDocuments(
    '[\n  {\n    "kind": "Service",\n    "metadata": {\n      "name": "a" },\n    "spec": {\n      "ports": [ 1,\n        2 ] } } ]',
  )
  const lines = (parsed: typeof yaml) =>
    [['kind'], ['metadata', 'name'], ['spec', 'ports', 1], ['spec', 'absent', 'deeper']].map(path => parsed.documents[0]?.lineOf(path))
  t.same(lines(yaml), [3, 5, 9, 6])
  t.same(lines(json), [3, 5, 8, 6])
})

t.test('an alias leads to the line of what it stands for', async t => {
  const { documents } = parseDocuments('kind: Service\nbase: &base\n  port: 1\nspec: *base\n')
  t.equal(documents[0]?.lineOf(['spec', 'port']), 3)
  t.match(documents[0]?.document, { spec: { port: 1 } })
})

t.test('the place is the file, else the origin that the CLI set, else the line of the body', async t => {
  const text = 'kind: Service\nmetadata:\n  name: a\n  annotations: { outrider.dev/origin: "routes.yaml:7" }\n'
  const place = (parsed: ReturnType<typeof parseDocuments>) => parsed.documents.map(source => placeOf(source, ['metadata', 'name']))
  t.same(place(parseDocuments(text, { file: 'x.yaml' })), ['x.yaml:3'])
  t.same(place(parseDocuments(text)), ['routes.yaml:7'])
  t.same(place(parseDocuments('kind: Service\nmetadata:\n  name: a\n')), ['line 3'])
  t.same(place(sourceOf({ kind: 'Service', metadata: { name: 'a' } })), [''])
})

t.test('a status that comes back with a document is left out', async t => {
  const [source] = sourceOf({ kind: 'Service', metadata: { name: 'a' }, status: { conditions: [] } }).documents
  t.notOk(source && 'status' in source.document)
})

t.test('documents after a broken one are read', async t => {
  const { documents, faults } = parseDocuments('kind: Service\nkind: Service\n---\nkind: Mesh\nmetadata: { name: default }\n')
  t.equal(documents.length, 1)
  t.match(faults, [{ document: 'document 1', line: 'line 2' }])
})

t.test('__proto__ is a key like any other', async t => {
  for (const text of ['{"kind": "Service", "__proto__": {"polluted": true}}', 'kind: Service\n__proto__: { polluted: true }\n']) {
    const { documents } = parseDocuments(text)
    t.ok(Object.hasOwn(documents[0]!.document, '__proto__'))
    t.equal(({} as Record<string, unknown>)['polluted'], undefined)
  }
})

t.test('strict JSON takes no YAML', async t => {
  t.match(parseDocuments('{ kind: Service }', { format: 'json' }).faults, [{ message: 'is not JSON: a key in quotes must be here' }])
  t.match(parseDocuments('{"a": 01}', { format: 'json' }).faults, [{ message: 'is not JSON: "}" must be here' }])
  t.match(parseDocuments('{"a": "\n"}', { format: 'json' }).faults, [{ line: 'line 1', message: /^is not JSON: text that does not end/ }])
  t.match(parseDocuments('{} {}', { format: 'json' }).faults, [{ message: 'is not JSON: text after the end' }])
})

t.test('JSON values are those of JSON.parse', async t => {
  const value = { kind: 'x', a: [1, -0.5, 1e3, true, false, null, 'ä\n\u0000"\\', {}], b: { '': [] } }
  t.same(parseDocuments(JSON.stringify(value, null, 1)).documents[0]?.document, value)
})

t.test('limits: octets of a text, of a document, depth, documents, faults', async t => {
  t.match(parseDocuments('x'.repeat(MAX_TEXT_BYTES + 1)).faults, [{ message: 'the text is too long' }])
  t.match(parseDocuments(JSON.stringify({ kind: 'x', a: 'x'.repeat(1_048_577) })).faults, [{ message: 'the document is too large' }])
  for (const deep of [
    `${'['.repeat(65)}${']'.repeat(65)}`,
    `{"kind":${'['.repeat(65)}${']'.repeat(65)}}`,
    `kind: ${'['.repeat(65)}${']'.repeat(65)}`,
  ]) {
    t.match(parseDocuments(deep).faults[0], { message: 'is nested deeper than 64 levels' })
  }
  for (const deeper of ['['.repeat(100_000), '- '.repeat(20_000)]) t.equal(parseDocuments(deeper).faults.length > 0, true)
  const many = parseDocuments(JSON.stringify(Array.from({ length: MAX_DOCUMENTS_PER_CALL + 5 }, () => ({ kind: 'x' }))))
  t.equal(many.documents.length, MAX_DOCUMENTS_PER_CALL)
  t.match(many.faults, [{ message: 'too many documents' }])
  t.equal(parseDocuments(JSON.stringify(Array.from({ length: MAX_FAULTS + 5 }, () => 1))).faults.length, MAX_FAULTS)
})

t.test('what is expanded from aliases counts as written out', async t => {
  const text = `kind: x\na: &a ${'x'.repeat(100_000)}\nb: [${'*a, '.repeat(20)}]\n`
  t.match(parseDocuments(text).faults, [{ message: 'the document is too large' }])
})
