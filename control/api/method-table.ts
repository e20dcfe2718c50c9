import type { FastifyInstance } from 'fastify'

/** Which methods each path has, so that a wrong one is 405 and not 404 (RFC 9110 section 15.5.6). Made before the routes. */
export class MethodTable {
  readonly #rows: { readonly url: string; readonly pattern: RegExp; readonly methods: readonly string[] }[] = []

  constructor(app: FastifyInstance) {
    app.addHook('onRoute', ({ url, method }) => {
      const pattern = new RegExp(
        `^${url
          .replaceAll('.', '\\.')
          .replaceAll('*', '.*')
          .replace(/:[a-z]+/g, '[^/]+')}$`,
      )
      this.#rows.push({ url, pattern, methods: typeof method === 'string' ? [method] : [...method] })
    })
  }

  /** Methods of a path, sorted; empty where there is no such path. */
  at(path: string): readonly string[] {
    return methodsOf(this.#rows.filter(row => row.pattern.test(path)))
  }

  /** Methods of a path that is written out, without parameters; empty where there is none. */
  own(path: string): readonly string[] {
    return methodsOf(this.#rows.filter(row => row.url === path))
  }
}

function methodsOf(rows: readonly { readonly methods: readonly string[] }[]): readonly string[] {
  return [...new Set(rows.flatMap(row => row.methods))].sort()
}
