import type { Call } from '../Call.ts'
import type { Context } from '../Context.ts'
import { unixSeconds } from '../clock.ts'
import { countPayment } from '../count-payment.ts'
import { keyReused } from '../errors.ts'
import type { ChargeOffer } from '../offers/Offer.ts'
import { readReceipt } from '../receipt.ts'
import { report } from '../report.ts'
import { sendPaid } from '../send-paid.ts'
import { tokenDomain } from '../token-domain.ts'
import * as Charge from './Charge.ts'
import { signCharge } from './sign-charge.ts'

/**
 * Pays one call with one transfer. What was signed stays counted for the day, delivered or not: a signature that has
 * left can be used until it expires.
 * @throws {PaymentRefusedError | PaymentUnknownError | ReceiptError}
 */
export async function payByCharge(context: Context, call: Call, offer: ChargeOffer): Promise<Response> {
  const domain = await tokenDomain(context, offer, call.url.origin)
  const charge = Charge.plan(context, call, offer, domain)
  await context.store.update((state) => {
    countPayment(context, state, { url: call.url, offer, increase: offer.amount })
    const now = unixSeconds(context.clock)
    for (const [key, old] of Object.entries(state.charges))
      if (Charge.isForgotten(old, now)) delete state.charges[key]
    state.charges[call.idempotencyKey] = charge
  })
  return send(context, call, charge)
}

/**
 * The transfer that this call was decided to pay with earlier and that nobody has answered. Undefined when there is none.
 * @throws {PaymentRefusedError} `idempotency-key-reused`.
 */
export async function resumeCharge(context: Context, call: Call): Promise<Response | undefined> {
  const charge = (await context.store.read()).charges[call.idempotencyKey]
  if (charge === undefined) return undefined
  if (charge.url !== call.url.href || charge.method !== call.method) throw keyReused(call.idempotencyKey)
  return send(context, call, charge)
}

async function send(context: Context, call: Call, charge: Charge.Charge): Promise<Response> {
  const headers = await signCharge(context, charge)
  return sendPaid(context, call, headers, async (response) => {
    await context.store.update((state) => {
      delete state.charges[call.idempotencyKey]
    })
    const { amount, chainId, token } = charge
    const expected = { origin: call.url.origin, rail: 'charge', amount, chainId, token } as const
    const paid = await readReceipt(context, response, expected)
    if (paid !== undefined) report(context, call, Charge.offerOf(charge), paid)
    return response
  })
}
