import * as Fields from './Fields.ts'

/**
 * What may cross the gateway, in both directions. Pure: header fields in, header fields out.
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

/** What is done with a field, by its name alone. `look`: its value decides. */
type Fate = 'pass' | 'drop' | 'look'
type Known = { name: string; key: string; fate: Fate }

/** What was decided for a name, so that it is folded and looked up once. Strangers choose names, so it is bounded. */
function remembered(decide: (key: string) => Fate): (name: string) => Known {
  const known = new Map<string, Known>()
  return (name) => {
    const found = known.get(name)
    if (found !== undefined) return found
    const key = fold(name)
    const made = { name: name.toLowerCase(), key, fate: decide(key) }
    if (known.size < 512 && name.length <= 64) known.set(name, made)
    return made
  }
}

const fateUp = remembered((key) => {
  if (key === 'cookie') return 'look'
  const dropped = hopByHop.has(key) || neverUp.has(key) || credentials.has(key)
  return dropped || startsWithAny(key, neverUpPrefixes) ? 'drop' : 'pass'
})

const fateDown = remembered((key) => {
  if (key === 'www-authenticate' || key.startsWith('x-farthing-')) return 'look'
  const dropped = hopByHop.has(key) || neverDown.has(key) || key.endsWith('cdn-cache-control')
  return dropped || startsWithAny(key, neverDownPrefixes) ? 'drop' : 'pass'
})

/** More fields than an honest caller sends: joining them one by one would take a time that grows with their square. */
const manyFields = 200

/**
 * The header fields an upstream sees: what the caller said, without credentials, claims of identity and connection
 * headers, then what the gateway says itself. Repeated ones are joined. `Host` and framing are the client stack's.
 */
export function requestHeaders(
  received: readonly string[],
  options: requestHeaders.Options = {},
): Fields.Fields {
  const caller = received.length > 2 * manyFields ? Fields.from(Fields.toHeaders(received)) : received
  const own = Object.entries(options.set ?? {})
  const taken = own.map(([name]) => fateUp(name).key)
  const nominated = nominatedBy(Fields.get(caller, 'connection'))
  const fields: Fields.Fields = []
  for (let index = 0; index < caller.length; index += 2) {
    const { name, key, fate } = fateUp(caller[index] ?? '')
    if (fate === 'drop' || nominated?.has(name) || taken.includes(key)) continue
    const value = caller[index + 1] ?? ''
    const before = Fields.indexOf(fields, name)
    if (before === -1) fields.push(name, value)
    else fields[before + 1] += (name === 'cookie' ? '; ' : ', ') + value
  }
  withoutSession(fields)
  for (const [name, value] of own) fields.push(name.toLowerCase(), value)
  return fields
}

export declare namespace requestHeaders {
  type Options = {
    /** Headers the gateway itself sets: the caller's identity, the operator's own credential for the upstream. */
    set?: Readonly<Record<string, string>> | undefined
  }
}

/** The header fields a caller sees, and what the upstream said to the gateway alone (`X-Farthing-*`). */
export function responseHeaders(
  upstream: UpstreamHeaders,
  options: responseHeaders.Options,
): responseHeaders.Result {
  const headers: Fields.Fields = []
  const withheld: Fields.Fields = []
  const nominated = nominatedBy(upstream.connection)
  for (const given of Object.keys(upstream)) {
    const value = upstream[given]
    if (value === undefined) continue
    const { name, key, fate } = fateDown(given)
    if (fate === 'drop' || nominated?.has(name)) continue
    const joined = typeof value === 'string' ? value : value.join(', ')
    if (fate === 'pass') headers.push(given, joined)
    else if (key !== 'www-authenticate') withheld.push(given, joined)
    else if (!asksForPayment(joined)) headers.push(given, joined)
  }
  if (options.paid)
    Fields.set(headers, 'cache-control', privateCacheControl(Fields.get(headers, 'cache-control')))
  return { headers, withheld }
}

export declare namespace responseHeaders {
  type Options = {
    /** A paid answer is for its payer: no shared cache may keep it. */
    paid: boolean
  }
  type Result = { headers: Fields.Fields; withheld: Fields.Fields }
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

/** The names a `Connection` header makes hop-by-hop; null when it names none. */
function nominatedBy(connection: string | string[] | null | undefined): ReadonlySet<string> | null {
  if (connection === null || connection === undefined) return null
  if (connection === 'keep-alive' || connection === 'close') return null
  const value = typeof connection === 'string' ? connection : connection.join(',')
  return new Set(value.split(',').map((name) => name.trim().toLowerCase()))
}

/** Takes our session out of every cookie field; one in which nothing is left goes. */
function withoutSession(fields: Fields.Fields): void {
  for (let index = fields.length - 2; index >= 0; index -= 2) {
    if (fold(fields[index] ?? '') !== 'cookie') continue
    const kept = (fields[index + 1] ?? '')
      .split(';')
      .map((pair) => pair.trim())
      .filter((pair) => pair !== '' && cookieName(pair) !== sessionCookie)
    if (kept.length === 0) fields.splice(index, 2)
    else fields[index + 1] = kept.join('; ')
  }
}

function cookieName(pair: string): string {
  return (pair.split('=', 1)[0] ?? '').trim().toLowerCase()
}

/** Whether any challenge in the list is of the `Payment` scheme. A mixed list is dropped whole: nobody needs it. */
function asksForPayment(value: string): boolean {
  return /(^|,)\s*payment(\s|,|$)/i.test(value)
}

/** Splits at commas outside quoted strings. */
function splitList(value: string): string[] {
  const items = value.match(/(?:[^,"]|"(?:[^"\\]|\\.)*"?)+/g) ?? []
  return items.map((item) => item.trim()).filter((item) => item !== '')
}
