import type { Deps } from '../deps.ts'
import { canonicalPath } from '../routes/canonical-path.ts'
import { routeMethods } from '../routes/route-methods.ts'
import type { Incoming } from './Incoming.ts'

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

/** Lets a browser's script read what it needs to pay. */
export function exposeHeaders(response: Response): Response {
  response.headers.set('access-control-allow-origin', '*')
  response.headers.set('access-control-expose-headers', exposed)
  return response
}

/** Answers a preflight for a path that is sold; null for every other request. Nothing is forwarded. */
export function preflightResponse(
  { request, target }: Incoming,
  { routes }: Pick<Deps, 'routes'>,
): Response | null {
  if (request.method !== 'OPTIONS' || !request.headers.has('access-control-request-method')) return null
  const allow = routeMethods(routes, canonicalPath(target).path)
  return allow.length === 0 ? null : allowed(allow)
}

/** Answers any preflight for these methods. */
export function allowed(methods: readonly string[]): Response {
  const headers = {
    'access-control-allow-origin': '*',
    'access-control-allow-methods': methods.join(', '),
    'access-control-allow-headers':
      'Authorization, PAYMENT-SIGNATURE, Idempotency-Key, Farthing-Session, Content-Type, Accept-Payment, Prefer',
    'access-control-max-age': '600',
    vary: 'Origin',
  }
  return new Response(null, { status: 204, headers })
}
