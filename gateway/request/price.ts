import type { Deps } from '../deps.ts'
import { priceOf } from '../pricing/price-of.ts'
import type { Terms } from '../rails/Terms.ts'
import * as Fields from '../upstream/Fields.ts'
import { RequestTooLargeError } from '../upstream/request-body.ts'
import { type BoundBody, bindBody } from './bind-body.ts'
import type { Permitted } from './permit.ts'

/** A request that has a price. An amount of 0 is a free call. */
export type Priced = Permitted & { terms: Terms; body: BoundBody }

/** Prices the call and binds its body. */
export async function price(permitted: Permitted, deps: Deps): Promise<Priced> {
  const { route, query, gatePrice, signedIn } = permitted
  const amount = priceOf(route, query, gatePrice)
  const { maxBodyBytes, boundBodyBytes } = deps.config.limits
  // What will not be forwarded is not worth a payment.
  if (Number(Fields.get(permitted.incoming.fields, 'content-length') ?? 0) > maxBodyBytes)
    throw new RequestTooLargeError({ limit: maxBodyBytes })
  // A free call is not bound to anything, so its body goes through unread.
  const body: BoundBody =
    amount === 0n
      ? { content: permitted.incoming.body, digest: null }
      : await bindBody(permitted.incoming, boundBodyBytes)
  const wallet = gatePrice === null ? null : signedIn
  return { ...permitted, body, terms: { route, amount, token: route.token, wallet, digest: body.digest } }
}
