import type { Call } from '../Call.ts'
import type { Context } from '../Context.ts'
import { countPayment } from '../count-payment.ts'
import type { ChargeOffer } from '../offers/Offer.ts'
import { readReceipt } from '../receipt.ts'
import { report } from '../report.ts'
import { sendPaid } from '../send-paid.ts'
import { tokenDomain } from '../token-domain.ts'
import { signCharge } from './sign-charge.ts'

/**
 * Pays one call with one transfer. What was signed stays counted for the day, delivered or not: a signature that has
 * left can be used until it expires.
 * @throws {PaymentRefusedError | PaymentUnknownError | ReceiptError}
 */
export async function payByCharge(context: Context, call: Call, offer: ChargeOffer): Promise<Response> {
  const domain = await tokenDomain(context, offer, call.url.origin)
  await context.store.update((state) =>
    countPayment(context, state, { url: call.url, offer, increase: offer.amount }),
  )
  const headers = await signCharge(context, offer, domain)
  return sendPaid(context, call, headers, async (response) => {
    const paid = await readReceipt(context, response, {
      origin: call.url.origin,
      rail: 'charge',
      amount: offer.amount,
      chainId: offer.chainId,
      token: offer.token,
    })
    if (paid !== undefined) report(context, call, offer, paid)
    return response
  })
}
