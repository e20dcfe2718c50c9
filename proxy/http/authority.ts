const AUTHORITY = /^(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9\-._~%!$&'()*+;=]+)(?::[0-9]{0,5})?$/
const WITH_PORT = /:[0-9]{1,5}$/

/** Whether `text` is a host, or host and port, without userinfo (RFC 9110 section 4.2.4 forbids it). */
export function isAuthority(text: string): boolean {
  return AUTHORITY.test(text)
}

/** Whether it has a port, as CONNECT's must (RFC 9110 section 9.3.6). */
export function isAuthorityWithPort(text: string): boolean {
  return AUTHORITY.test(text) && WITH_PORT.test(text)
}
