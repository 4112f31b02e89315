import type { Context } from './Context.ts'
import type { Offer } from './offers/Offer.ts'
import * as Pins from './policy/Pins.ts'
import * as Spending from './policy/Spending.ts'
import type { State } from './store/State.ts'

/**
 * The one gate before every signature, inside the store's update: pins hold, limits hold, both are written down.
 * @param state changed in place.
 * @param payment `increase` is what the signature adds to what can be taken, `ahead` the part of it that is for calls to come.
 * @throws {PaymentRefusedError}
 */
export function countPayment(
  context: Context,
  state: State,
  payment: { url: URL; offer: Offer; increase: bigint; ahead?: bigint },
): void {
  const { url, offer, increase, ahead = 0n } = payment
  const seen = state.pins[url.origin]
  Pins.demand(offer, context.pins, seen)
  Spending.count(
    state,
    {
      chainId: offer.chainId,
      token: offer.token,
      host: url.host,
      price: offer.amount,
      increase,
      ahead,
      now: context.clock.now(),
    },
    context.limits,
  )
  state.pins[url.origin] = Pins.extend(seen, offer)
}
