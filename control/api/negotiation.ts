import type { FastifyReply, FastifyRequest } from 'fastify'
import { stringify } from 'yaml'

/** Media types of bodies and answers. The older names of YAML are taken, and never sent. */
export const JSON_TYPE = 'application/json'
export const YAML_TYPE = 'application/yaml'
export const YAML_TYPES: readonly string[] = [YAML_TYPE, 'application/x-yaml', 'text/yaml', 'text/x-yaml']

/** The reader of a body, by its Content-Type. */
export function bodyFormat(request: FastifyRequest): 'json' | 'yaml' {
  const type = (request.headers['content-type'] ?? '').split(';')[0]?.trim().toLowerCase() ?? ''
  return YAML_TYPES.includes(type) ? 'yaml' : 'json'
}

/** Answers a value: YAML where Accept asks for it and not for JSON, else JSON. A problem keeps its own media type in JSON. */
export function answer(request: FastifyRequest, reply: FastifyReply, value: { readonly status?: unknown } | object): FastifyReply {
  const status = (value as { readonly status?: unknown }).status
  if (typeof status === 'number') reply.code(status)
  const accept = (request.headers.accept ?? '').toLowerCase()
  const isYaml = YAML_TYPES.some(type => accept.includes(type)) && !accept.includes(JSON_TYPE)
  if (isYaml) return reply.type(`${YAML_TYPE}; charset=utf-8`).send(stringify(value, { aliasDuplicateObjects: false }))
  const type = reply.getHeader('content-type')
  return reply.type(type === undefined ? `${JSON_TYPE}; charset=utf-8` : String(type)).send(JSON.stringify(value))
}
