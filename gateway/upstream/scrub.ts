/**
 * What may cross the gateway, in both directions. Pure: header sets in, header sets out.
 *
 * A name is compared with `_` read as `-`, because CGI-like servers fold both into one variable: without that,
 * `X_Farthing_Wallet` would forge the identity header.
 */

/** Meant for one connection only (RFC 9110, 7.6.1), or describing a message this gateway frames anew. */
const hopByHop = new Set([
  'connection',
  'expect',
  'http2-settings',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authentication-info',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])

/** Set by the gateway, by its client stack, or by a trusted proxy; never by a stranger. */
const neverUp = new Set([
  'content-length',
  'forwarded',
  'host',
  'true-client-ip',
  'via',
  'x-client-ip',
  'x-real-ip',
  // Each asks some frameworks for another method or path than the one that was paid for.
  'x-http-method',
  'x-http-method-override',
  'x-method-override',
  'x-original-method',
  'x-original-url',
  'x-rewrite-url',
])

/** What proves a payment or a session. An upstream that sees it can spend it. */
const credentials = new Set([
  'accept-payment',
  'authorization',
  'payment-signature',
  'sign-in-with-x',
  'x-payment',
])

/** Headers by which an upstream would speak as the gateway, or steer the proxy and caches in front of it. */
const neverDown = new Set([
  'alt-svc',
  'authentication-info',
  'clear-site-data',
  'payment-authorization',
  'payment-receipt',
  'payment-required',
  'payment-response',
  'set-cookie',
  'set-cookie2',
  'settlement-overrides',
  'surrogate-control',
  'x-payment-required',
  'x-payment-response',
  'x-sendfile',
])

// `farthing-` names carry a session up and a receipt down: both are between the caller and the gateway alone.
const neverUpPrefixes = ['farthing-', 'x-farthing-', 'x-forwarded-', 'payment-']
const neverDownPrefixes = ['farthing-', 'x-farthing-', 'x-accel-', 'payment-']
const sessionCookie = 'farthing_session'

/**
 * The header set an upstream sees, as flat name and value pairs: what the caller said, without credentials, claims of
 * identity and connection headers, then what the gateway says itself. `Host` and framing are the client stack's.
 */
export function requestHeaders(caller: Headers, options: requestHeaders.Options = {}): string[] {
  const set = options.set ?? {}
  const own = new Set(Object.keys(set).map(fold))
  const nominated = nominatedBy(caller.get('connection'))
  const headers: string[] = []
  for (const [name, value] of caller) {
    const key = fold(name)
    if (hopByHop.has(key) || neverUp.has(key) || credentials.has(key)) continue
    if (own.has(key) || nominated.has(name) || startsWithAny(key, neverUpPrefixes)) continue
    if (key === 'cookie') {
      const kept = withoutSession(value)
      if (kept !== '') headers.push(name, kept)
      continue
    }
    headers.push(name, value)
  }
  for (const [name, value] of Object.entries(set)) headers.push(name.toLowerCase(), value)
  return headers
}

export declare namespace requestHeaders {
  type Options = {
    /** Headers the gateway itself sets: the caller's identity, the operator's own credential for the upstream. */
    set?: Readonly<Record<string, string>>
  }
}

/** The header set a caller sees, and what the upstream said to the gateway alone (`X-Farthing-*`). */
export function responseHeaders(
  upstream: UpstreamHeaders,
  options: responseHeaders.Options,
): responseHeaders.Result {
  const headers = new Headers()
  const withheld = new Headers()
  const nominated = nominatedBy(upstream.connection)
  for (const name of Object.keys(upstream)) {
    const value = upstream[name]
    if (value === undefined) continue
    const key = fold(name)
    if (key.startsWith('x-farthing-')) append(withheld, name, value)
    if (hopByHop.has(key) || neverDown.has(key) || nominated.has(name.toLowerCase())) continue
    if (startsWithAny(key, neverDownPrefixes) || key.endsWith('cdn-cache-control')) continue
    if (key === 'www-authenticate' && asksForPayment(value)) continue
    append(headers, name, value)
  }
  if (options.paid) headers.set('cache-control', privateCacheControl(headers.get('cache-control')))
  return { headers, withheld }
}

export declare namespace responseHeaders {
  type Options = {
    /** A paid answer is for its payer: no shared cache may keep it. */
    paid: boolean
  }
  type Result = { headers: Headers; withheld: Headers }
}

/** Headers as undici hands them over: lower-case names, repeated fields as a list. */
export type UpstreamHeaders = Readonly<Record<string, string | string[] | undefined>>

/** `Cache-Control` as strict as it was, and never open to a shared cache. */
export function privateCacheControl(value: string | null): string {
  const directives = splitList(value ?? '')
  const kept = directives.filter((directive) => !/^(public|s-maxage|proxy-revalidate)\b/i.test(directive))
  if (kept.some((directive) => /^(no-store|private)$/i.test(directive))) return kept.join(', ')
  return ['private', ...kept.filter((directive) => !/^private\b/i.test(directive))].join(', ')
}

function fold(name: string): string {
  return name.toLowerCase().replaceAll('_', '-')
}

function startsWithAny(name: string, prefixes: readonly string[]): boolean {
  return prefixes.some((prefix) => name.startsWith(prefix))
}

/** The names a `Connection` header makes hop-by-hop. */
function nominatedBy(connection: string | string[] | null | undefined): ReadonlySet<string> {
  if (connection === null || connection === undefined) return none
  const value = typeof connection === 'string' ? connection : connection.join(',')
  return new Set(value.split(',').map((name) => name.trim().toLowerCase()))
}

const none: ReadonlySet<string> = new Set()

function withoutSession(cookie: string): string {
  return cookie
    .split(';')
    .map((pair) => pair.trim())
    .filter((pair) => pair !== '' && cookieName(pair) !== sessionCookie)
    .join('; ')
}

function cookieName(pair: string): string {
  return (pair.split('=', 1)[0] ?? '').trim().toLowerCase()
}

/** Whether any challenge in the list is of the `Payment` scheme. A mixed list is dropped whole: nobody needs it. */
function asksForPayment(value: string | string[]): boolean {
  const list = typeof value === 'string' ? value : value.join(', ')
  return /(^|,)\s*payment(\s|,|$)/i.test(list)
}

/** Splits at commas outside quoted strings. */
function splitList(value: string): string[] {
  const items = value.match(/(?:[^,"]|"(?:[^"\\]|\\.)*"?)+/g) ?? []
  return items.map((item) => item.trim()).filter((item) => item !== '')
}

function append(headers: Headers, name: string, value: string | string[]): void {
  for (const one of typeof value === 'string' ? [value] : value) headers.append(name, one)
}
