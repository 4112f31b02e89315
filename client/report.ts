import type { Hex } from 'viem'
import type { Call } from './Call.ts'
import type { Context } from './Context.ts'
import type { Offer } from './offers/Offer.ts'
import type { Rail } from './policy/choose-offer.ts'
import type { Paid } from './receipt.ts'

/** Tells the caller of a payment. What the listener throws does not undo it. */
export function report(
  context: Context,
  call: Call,
  offer: Offer,
  paid: Paid,
  more: { channelId?: Hex; rail?: Rail } = {},
): void {
  try {
    context.onPayment?.({
      ...paid,
      url: call.url.href,
      rail: more.rail ?? offer.rail,
      chainId: offer.chainId,
      token: offer.token,
      payee: offer.payee,
      idempotencyKey: call.idempotencyKey,
      channelId: more.channelId,
    })
  } catch {
    // The listener is not part of the payment.
  }
}
