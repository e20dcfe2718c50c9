import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import {
  createFileRegistry,
  type DescEnum,
  type DescField,
  type DescMessage,
  type FileRegistry,
  fromBinary,
  ScalarType,
} from '@bufbuild/protobuf'
import { FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt'
import { test } from 'tap'

/*
 * The published descriptors are those that `@grpc/grpc-js-xds` ships (deps/): Envoy's API, google.rpc and what they import.
 * Every file of ours below envoy/ and google/ has its counterpart there, HttpProtocolOptions too.
 */
const root = fileURLToPath(new URL('../..', import.meta.url))
const deps = join(root, 'node_modules/@grpc/grpc-js-xds/deps')
const includes = ['envoy-api', 'googleapis', 'protoc-gen-validate', 'xds'].map(each => join(deps, each))
/** Declared by @grpc/proto-loader, which comes with grpc-js. */
const protobufjs = createRequire(createRequire(import.meta.url).resolve('@grpc/proto-loader'))('protobufjs')

interface PublishedField {
  readonly id: number
  readonly type: string
  readonly repeated: boolean
  readonly map: boolean
  readonly keyType?: string
  readonly partOf: { readonly name: string } | null
  readonly resolvedType: { readonly fullName: string } | null
}

function published() {
  const loaded = new protobufjs.Root()
  loaded.resolvePath = (_origin: string, target: string) => {
    const found = [...includes, join(root, 'node_modules/protobufjs')].map(each => join(each, target)).find(each => existsSync(each))
    return found ?? target
  }
  loaded.loadSync(ourFiles(), { keepCase: true })
  loaded.resolveAll()
  return loaded
}

function ourFiles(): string[] {
  const all = readdirSync(join(root, 'protos'), { recursive: true, encoding: 'utf8' })
  return all.filter(each => each.endsWith('.proto') && !each.startsWith('outrider'))
}

/** What our .proto files say, as buf compiles them: not what was generated from them once. */
function ours(): FileRegistry {
  const { stdout, status, stderr } = spawnSync(join(root, 'node_modules/.bin/buf'), ['build', '-o', '-#format=binpb'], {
    cwd: join(root, 'protos'),
    maxBuffer: 1 << 26,
  })
  if (status !== 0) throw new Error(stderr.toString())
  return createFileRegistry(fromBinary(FileDescriptorSetSchema, stdout))
}

function typeOf(field: DescField): string {
  const named = field.message ?? field.enum
  if (named !== undefined) return named.typeName
  return ScalarType[field.scalar as ScalarType].toLowerCase()
}

function publishedType(field: PublishedField): string {
  return field.resolvedType === null ? field.type : field.resolvedType.fullName.slice(1)
}

const registry = ours()
const theirs = published()
const spoken = [...registry].filter(each => each.kind === 'message' || each.kind === 'enum')
const compared = spoken.filter(each => !each.typeName.startsWith('outrider.') && !each.typeName.startsWith('google.protobuf.'))

test('every message that is spoken has the published fields, by name, number, type and label', async t => {
  let fields = 0
  for (const message of compared.filter((each): each is DescMessage => each.kind === 'message')) {
    const counterpart = theirs.lookupType(message.typeName)
    for (const field of message.fields) {
      const other: PublishedField | undefined = counterpart.fields[field.name]
      const name = `${message.typeName}.${field.name}`
      if (other === undefined) {
        t.fail(`${name} is not published`)
        continue
      }
      fields++
      const mine = {
        number: field.number,
        type: typeOf(field),
        repeated: field.fieldKind === 'list',
        map: field.fieldKind === 'map' ? ScalarType[field.mapKey].toLowerCase() : null,
        oneof: field.oneof?.name ?? null,
      }
      const wanted = {
        number: other.id,
        type: publishedType(other),
        repeated: other.repeated && !other.map,
        map: other.map ? other.keyType : null,
        oneof: other.partOf?.name ?? null,
      }
      t.strictSame(mine, wanted, name)
    }
  }
  t.ok(fields > 150, `${fields} fields were compared`)
})

test('every enum that is spoken has the published values, all of them', async t => {
  for (const each of compared.filter((other): other is DescEnum => other.kind === 'enum')) {
    const values = Object.fromEntries(each.values.map(value => [value.name, value.number]))
    t.strictSame(values, { ...theirs.lookupEnum(each.typeName).values }, each.typeName)
  }
})

test('both variants of aggregated discovery have the published types', async t => {
  const service = registry.getService('envoy.service.discovery.v3.AggregatedDiscoveryService')
  const counterpart = theirs.lookupService('envoy.service.discovery.v3.AggregatedDiscoveryService')
  for (const method of service?.methods ?? []) {
    const other = counterpart.methods[method.name].resolve()
    t.equal(method.input.typeName, other.resolvedRequestType.fullName.slice(1))
    t.equal(method.output.typeName, other.resolvedResponseType.fullName.slice(1))
    t.equal(method.methodKind, 'bidi_streaming')
  }
})

test('the generated code is what the .proto files give', async t => {
  const { status, stderr } = spawnSync(process.execPath, [join(root, 'protos/generate.js'), '--check'])
  t.equal(status, 0, stderr.toString())
})
