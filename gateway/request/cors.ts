import type { Deps } from '../deps.ts'
import { canonicalPath } from '../routes/canonical-path.ts'
import { routeMethods } from '../routes/route-methods.ts'
import * as Fields from '../upstream/Fields.ts'
import type { Incoming } from './Incoming.ts'
import type { Outgoing } from './Outgoing.ts'

/** Browsers may call from any origin: nothing here is authorised by a cookie. */

const exposed = [
  'WWW-Authenticate',
  'PAYMENT-REQUIRED',
  'PAYMENT-RESPONSE',
  'Payment-Receipt',
  'Farthing-Receipt',
  'Farthing-Replayed',
  'Farthing-Payment',
  'Farthing-Credited',
  'Preference-Applied',
  'Link',
  'Retry-After',
].join(', ')

/** What lets a browser's script read what it needs to pay. */
export const exposing: readonly (readonly [name: string, value: string])[] = [
  ['access-control-allow-origin', '*'],
  ['access-control-expose-headers', exposed],
]

/** Lets a browser's script read what it needs to pay. */
export function exposeHeaders(outgoing: Outgoing): Outgoing {
  for (const [name, value] of exposing) Fields.set(outgoing.headers, name, value)
  return outgoing
}

/** Answers a preflight for a path that is sold; null for every other request. Nothing is forwarded. */
export function preflightResponse(
  { method, fields, target }: Incoming,
  { routes }: Pick<Deps, 'routes'>,
): Outgoing | null {
  if (method !== 'OPTIONS' || Fields.get(fields, 'access-control-request-method') === null) return null
  const allow = routeMethods(routes, canonicalPath(target).path)
  return allow.length === 0 ? null : allowed(allow)
}

/** Answers any preflight for these methods. */
export function allowed(methods: readonly string[]): Outgoing {
  const headers = [
    ...['access-control-allow-origin', '*'],
    ...['access-control-allow-methods', methods.join(', ')],
    'access-control-allow-headers',
    'Authorization, PAYMENT-SIGNATURE, Idempotency-Key, Farthing-Session, Content-Type, Accept-Payment, Prefer',
    ...['access-control-max-age', '600'],
    ...['vary', 'Origin'],
  ]
  return { status: 204, headers, body: null }
}
