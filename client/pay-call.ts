import { payByBalance } from './balance/pay-by-balance.ts'
import type { Call } from './Call.ts'
import { init } from './Call.ts'
import type { Context, Unanswered } from './Context.ts'
import { payByChannel } from './channel/pay-by-channel.ts'
import { resource } from './channel/settle-call.ts'
import { payByCharge, resumeCharge } from './charge/pay-by-charge.ts'
import { keyReused, PaymentRefusedError } from './errors.ts'
import type { Offer, Offers } from './offers/Offer.ts'
import { readOffers } from './offers/read-offers.ts'
import { chooseOffer, type Rail } from './policy/choose-offer.ts'
import { requireSecure } from './require-secure.ts'

/**
 * The order of a paid call, and nothing else: repeat what is unanswered, else send, else read the offers, choose one
 * within the limits, pay it.
 */
export async function payCall(context: Context, call: Call): Promise<Response> {
  const unanswered = context.unknown.get(call.idempotencyKey)
  if (unanswered !== undefined) return repeat(call, unanswered)
  const resumed = call.headers.has('Idempotency-Key') ? await resumeCharge(context, call) : undefined
  if (resumed !== undefined) return resumed
  const first =
    (await payAgain(context, call)) ?? (await context.fetch(call.url, init(call, {}, call.redirect)))
  if (first.status !== 402) return first
  const offers = readOffers(first.headers, context.clock.now())
  if (offers === undefined) return first
  const asked = askedBy(call, first)
  requireSecure(asked.url, context.allowInsecure)
  const response = await pay(context, asked, offers)
  await first.body?.cancel()
  return response
}

/** An earlier request with this key got no answer: the same credential goes out again. */
function repeat(call: Call, unanswered: Unanswered): Promise<Response> {
  if (unanswered.url === call.url.href && unanswered.method === call.method)
    return unanswered.resume(call.signal)
  throw keyReused(call.idempotencyKey)
}

/** A resource that was paid from a channel before needs no 402 to learn its price. */
async function payAgain(context: Context, call: Call): Promise<Response | undefined> {
  const offer = context.offers.get(resource(call))
  if (offer === undefined || call.headers.has('Authorization')) return undefined
  const { expires, digest } = offer.challenge
  const fresh = expires === undefined || Date.parse(expires) > context.clock.now() + 5_000
  if (fresh && digest === undefined) return payByChannel(context, call, offer)
  context.offers.delete(resource(call))
  return undefined
}

/** The call as the server that asks for money got it. A redirect within its origin is followed, none beyond it. */
function askedBy(call: Call, response: Response): Call {
  if (!response.redirected) return call
  const url = new URL(response.url)
  if (url.origin === call.url.origin && (call.method === 'GET' || call.method === 'HEAD'))
    return { ...call, url }
  throw new PaymentRefusedError({
    code: 'redirected',
    rule: 'redirect',
    message: `${call.url.origin} redirected to ${url.origin}, which asks for payment.`,
    fix: 'call that URL yourself if you mean to pay it.',
  })
}

async function pay(context: Context, call: Call, offers: Offers): Promise<Response> {
  const { pins } = await context.store.read()
  const choose = (rails: readonly Rail[]): Offer =>
    chooseOffer(offers, {
      rails,
      limits: context.limits,
      pins: context.pins,
      seen: pins[call.url.origin],
      onchain: context.chain?.walletClient !== undefined,
    })
  const others = context.rails.filter((rail) => rail !== 'balance')
  for (const rail of context.rails)
    if (rail === 'balance') {
      const response = await payByBalance(context, call, choose(['charge', 'channel']))
      if (response !== undefined) return response
    } else break
  const offer = choose(others)
  return offer.rail === 'channel' ? payByChannel(context, call, offer) : payByCharge(context, call, offer)
}
