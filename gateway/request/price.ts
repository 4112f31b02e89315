import type { Deps } from '../deps.ts'
import { priceOf } from '../pricing/price-of.ts'
import type { Terms } from '../rails/Terms.ts'
import * as Fields from '../upstream/Fields.ts'
import { RequestTooLargeError } from '../upstream/request-body.ts'
import { type BoundBody, bindBody, freeBody } from './bind-body.ts'
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
  const { incoming } = permitted
  const body = amount === 0n ? await freeBody(incoming) : await bindBody(incoming, boundBodyBytes)
  const wallet = gatePrice === null ? null : signedIn
  return { ...permitted, body, terms: { route, amount, token: route.token, wallet, digest: body.digest } }
}
