import t from 'tap'
import { checkDocuments } from '../../../../control/model/check.ts'
import { EMPTY_MODEL } from '../../../../control/model/model.ts'
import { parseDocuments } from '../../../../control/model/parse.ts'
import { BAD_DOCUMENTS } from '../../../support/bad-documents.ts'

const registered = new Set(['default/orders'])

function faultsOf(text: string, file?: string) {
  const parsed = parseDocuments(text, file === undefined ? {} : { file })
  return [...parsed.faults, ...checkDocuments(parsed.documents, EMPTY_MODEL, { registered }).faults]
}

for (const { title, text, document, path, line, message, allowed } of BAD_DOCUMENTS) {
  t.test(`${title} is refused with its place and what would be right`, async t => {
    const faults = faultsOf(text)
    t.equal(faults.length, 1)
    t.match(faults[0], { document, path, line, message, allowed })
  })
}

t.test('in a file, each place is FILE:LINE', async t => {
  for (const { text, line } of BAD_DOCUMENTS) {
    t.equal(faultsOf(text, 'mesh/routes.yaml')[0]?.line, line.replace('line ', 'mesh/routes.yaml:'))
  }
})

t.test('the table has at least 60 rows, each with a title of its own', async t => {
  t.ok(BAD_DOCUMENTS.length >= 60)
  t.equal(new Set(BAD_DOCUMENTS.map(({ title }) => title)).size, BAD_DOCUMENTS.length)
})

t.test('all faults of all documents are reported at once', async t => {
  const text = `apiVersion: outrider.dev/v1
kind: Service
metadata: { name: Orders }
spec:
  ports: [{ port: 0, protocol: http, portocol: x }]
  endpoints:
    - { address: orders.internal, port: 8081 }
---
apiVersion: outrider.dev/v1
kind: Mesh
metadata: { name: default }
spec: { egress: { unknownHosts: maybe } }
`
  t.same(
    faultsOf(text, 'a.yaml').map(({ line, path }) => `${line} ${path}`),
    [
      'a.yaml:3 metadata.name',
      'a.yaml:5 spec.ports[0].port',
      'a.yaml:5 spec.ports[0].portocol',
      'a.yaml:7 spec.endpoints[0].address',
      'a.yaml:12 spec.egress.unknownHosts',
    ],
  )
})

t.test('of unknown fields in one mapping, the first 50 are reported', async t => {
  const fields = Array.from({ length: 60 }, (_, index) => `x${index}: 1`).join(', ')
  const text = `apiVersion: outrider.dev/v1\nkind: Mesh\nmetadata: { name: default }\nspec: { ${fields} }\n`
  t.equal(faultsOf(text).length, 50)
})
