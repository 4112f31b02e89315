import type { Call } from '../Call.ts'
import type { Context } from '../Context.ts'
import { countPayment } from '../count-payment.ts'
import type { Offer } from '../offers/Offer.ts'
import * as Spending from '../policy/Spending.ts'
import { readReceipt } from '../receipt.ts'
import { report } from '../report.ts'
import { sendPaid } from '../send-paid.ts'
import { signIn } from './SignIn.ts'

/**
 * Pays one call from the balance that the gateway keeps for this wallet. The price is that of the offer beside it.
 * @returns the answer, or undefined when the balance does not suffice or is not taken here.
 */
export async function payByBalance(
  context: Context,
  call: Call,
  offer: Offer,
): Promise<Response | undefined> {
  const { token } = await signIn(context, call.url.origin)
  await context.store.update((state) =>
    countPayment(context, state, { url: call.url, offer, increase: offer.amount }),
  )
  const response = await sendPaid(context, call, { Authorization: `Bearer ${token}` }, async (response) => {
    const paid = await readReceipt(context, response, {
      origin: call.url.origin,
      rail: 'balance',
      amount: offer.amount,
      chainId: offer.chainId,
      token: offer.token,
    })
    if (paid !== undefined) report(context, call, offer, paid, { rail: 'balance' })
    return response
  })
  if (response.status !== 402 && response.status !== 401) return response
  await response.body?.cancel()
  const { chainId, token: asset, amount } = offer
  await context.store.update((state) =>
    Spending.uncount(state, { chainId, token: asset, host: call.url.host, amount }),
  )
  return undefined
}
