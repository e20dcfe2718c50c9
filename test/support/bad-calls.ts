/** Method, path, body, headers. */
export type Call = readonly [method: string, path: string, body: unknown, headers: Record<string, string>]

/** Every way to call the API wrongly, and what the caller reads. */
export const BAD_CALLS: readonly (readonly [name: string, call: Call, status: number, detail: string | RegExp])[] = [
  ['an unknown path', ['GET', '/v2/x', null, {}], 404, 'there is no /v2/x; /openapi.json describes what there is'],
  ['an unknown kind', ['GET', '/v1/sevice', null, {}], 404, 'there is no kind "sevice"; did you mean Service?'],
  [
    'a kind like none',
    ['GET', '/v1/qqqqqqqqqq', null, {}],
    404,
    'there is no kind "qqqqqqqqqq"; known: Service, HTTPRoute, TrafficPolicy, Mesh',
  ],
  ['a document that is not there', ['GET', '/v1/service/default/x', null, {}], 404, 'there is no Service default/x'],
  ['a change by GET', ['GET', '/v1/apply', null, {}], 405, 'GET is not allowed here; use POST'],
  ['a POST to a document', ['POST', '/v1/service/default/x', {}, {}], 405, 'POST is not allowed here; use DELETE, GET, HEAD, PUT'],
  ['a DELETE of a list', ['DELETE', '/v1/service', null, {}], 405, 'DELETE is not allowed here; use GET, HEAD'],
  [
    'a form',
    ['POST', '/v1/apply', 'a=b', { 'content-type': 'application/x-www-form-urlencoded' }],
    415,
    /must be application\/json or application\/yaml/,
  ],
  ['plain text', ['POST', '/v1/apply', '{}', { 'content-type': 'text/plain' }], 415, /must be application\/json or application\/yaml/],
  ['no JSON', ['POST', '/v1/apply', '{"a":', { 'content-type': 'application/json' }], 422, '1 fault; nothing was changed'],
  ['an unknown parameter', ['POST', '/v1/apply?dryrun=true', [], {}], 400, 'dryrun: unknown parameter'],
  ['a parameter of another type', ['POST', '/v1/apply?dryRun=maybe', [], {}], 400, 'dryRun: must be boolean'],
  ['a wait that is too long', ['GET', '/v1/proxies?revision=1&waitMs=999999', null, {}], 400, 'waitMs: must be <= 30000'],
  ['explain without a URL', ['GET', '/v1/explain', null, {}], 400, 'url: is required'],
  ['explain with a URL of another scheme', ['GET', '/v1/explain?url=ftp://a', null, {}], 400, /^url: must match pattern/],
  ['explain with a header without a colon', ['GET', '/v1/explain?url=http://a/&header=x', null, {}], 400, /^header.0: must match pattern/],
  ['explain as nobody', ['GET', '/v1/explain?url=http://a/&as=nobody', null, {}], 404, 'there is no service default/nobody'],
  ['a Host of a web page', ['GET', '/v1/service', null, { host: 'evil.example' }], 403, /^Host "evil.example" is not this control plane/],
  ['a Host that hides one', ['GET', '/v1/service', null, { host: '127.0.0.1.evil.example:80' }], 403, /^Host /],
  ['a Host with user information', ['GET', '/v1/service', null, { host: 'localhost@evil.example' }], 403, /^Host /],
  [
    'an Origin of a web page',
    ['POST', '/v1/apply', [], { origin: 'http://evil.example' }],
    403,
    'Origin "http://evil.example" may not use the control API',
  ],
  ['an Origin of a sandbox', ['POST', '/v1/apply', [], { origin: 'null' }], 403, 'Origin "null" may not use the control API'],
  ['another site', ['GET', '/v1/service', null, { 'sec-fetch-site': 'cross-site' }], 403, 'another site may not use the control API'],
]
