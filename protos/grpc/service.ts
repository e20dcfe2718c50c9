import { type DescMessage, type DescMethod, type DescService, fromBinary, type MessageShape, toBinary } from '@bufbuild/protobuf'
import type { MethodDefinition } from '@grpc/grpc-js'

/** A protobuf service as grpc-js wants it: the methods by their names in lower camel case, each with its path and codecs. */
export type GrpcService<S extends DescService> = {
  [Name in keyof S['method']]: MethodDefinition<MessageShape<S['method'][Name]['input']>, MessageShape<S['method'][Name]['output']>>
}

/**
 * Joins a generated descriptor with grpc-js: for `server.addService(grpcService(Registration), { register })`, and for
 * `client.makeBidiStreamRequest(method.path, method.requestSerialize, method.responseDeserialize)`.
 * A message that cannot be decoded throws, which grpc-js answers with INTERNAL.
 */
export function grpcService<S extends DescService>(service: S): GrpcService<S> {
  return Object.fromEntries(service.methods.map(method => [method.localName, definition(method)])) as GrpcService<S>
}

function definition(method: DescMethod): MethodDefinition<unknown, unknown> {
  const request = codec(method.input)
  const response = codec(method.output)
  return {
    path: `/${method.parent.typeName}/${method.name}`,
    requestStream: method.methodKind === 'client_streaming' || method.methodKind === 'bidi_streaming',
    responseStream: method.methodKind === 'server_streaming' || method.methodKind === 'bidi_streaming',
    originalName: method.name,
    requestSerialize: request.serialize,
    requestDeserialize: request.deserialize,
    responseSerialize: response.serialize,
    responseDeserialize: response.deserialize,
  }
}

function codec(schema: DescMessage): { serialize(message: unknown): Buffer; deserialize(octets: Buffer): unknown } {
  return {
    serialize(message) {
      const octets = toBinary(schema, message as MessageShape<DescMessage>)
      return Buffer.from(octets.buffer, octets.byteOffset, octets.byteLength)
    },
    deserialize: octets => fromBinary(schema, octets),
  }
}
