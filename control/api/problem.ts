import { STATUS_CODES } from 'node:http'
import type { FastifyError, FastifyReply, FastifyRequest, FastifySchemaValidationError } from 'fastify'
import type { Fault } from '../model/document.ts'
import { answer } from './negotiation.ts'

/** The media type of RFC 9457. */
export const PROBLEM_JSON = 'application/problem+json'

/** A problem document (RFC 9457); `errors` and `warnings` are extension members of 422. */
export interface Problem {
  readonly type: 'about:blank'
  readonly title: string
  readonly status: number
  readonly detail: string
  readonly errors?: readonly Fault[]
  readonly warnings?: readonly Fault[]
}

/** What a handler throws to be answered with a problem. */
export class ProblemError extends Error {
  readonly status: number
  readonly faults: readonly Fault[] | null
  readonly warnings: readonly Fault[]

  constructor(status: number, detail: string, faults: readonly Fault[] | null = null, warnings: readonly Fault[] = []) {
    super(detail)
    this.status = status
    this.faults = faults
    this.warnings = warnings
  }

  get problem(): Problem {
    const problem: Problem = { type: 'about:blank', title: STATUS_CODES[this.status] ?? 'Error', status: this.status, detail: this.message }
    return this.faults === null ? problem : { ...problem, errors: this.faults, warnings: this.warnings }
  }
}

/** 422 with every fault. */
export function unprocessable(faults: readonly Fault[], warnings: readonly Fault[]): ProblemError {
  const count = faults.length === 1 ? '1 fault' : `${faults.length} faults`
  return new ProblemError(422, `${count}; nothing was changed`, faults, warnings)
}

const FASTIFY_DETAILS: Readonly<Record<string, string>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: 'the body is too large; at most 16 MiB',
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'the body must be application/json or application/yaml, said by Content-Type',
  FST_ERR_CTP_EMPTY_TYPE: 'the body must be application/json or application/yaml, said by Content-Type',
}

/** Answers what a handler or fastify itself threw. What nobody expected is 500, and its text stays in the log. */
export function answerError(error: FastifyError | ProblemError, request: FastifyRequest, reply: FastifyReply): void {
  answer(request, reply.type(PROBLEM_JSON), (error instanceof ProblemError ? error : fromFastify(error, request)).problem)
}

function fromFastify(error: FastifyError, request: FastifyRequest): ProblemError {
  // A full store has changed nothing and says what is full.
  if (error.code === 'STORE_FULL' || error.code === 'STORE_LIMIT') return new ProblemError(507, error.message)
  const status = error.statusCode ?? 500
  if (status >= 500) {
    request.log.error(error)
    return new ProblemError(500, 'a defect of the control plane; its log has more')
  }
  if (error.validation !== undefined) {
    const faults = error.validation.map(fault => ({ document: '', ...parameterFault(fault), line: '', value: null, allowed: '' }))
    return new ProblemError(400, faults.map(({ path, message }) => `${path}: ${message}`).join('; '), faults)
  }
  return new ProblemError(status, FASTIFY_DETAILS[error.code] ?? error.message)
}

/** Which parameter, and what is wrong with it. */
function parameterFault({ instancePath, params, message }: FastifySchemaValidationError): { path: string; message: string } {
  const { additionalProperty: unknown, missingProperty: missing } = params
  if (typeof unknown === 'string') return { path: unknown, message: 'unknown parameter' }
  if (typeof missing === 'string') return { path: missing, message: 'is required' }
  return { path: instancePath.slice(1).replaceAll('/', '.'), message: message ?? 'is not allowed' }
}
