import { PaymentRefusedError } from '../errors.ts'
import type { Offer, Offers, Rejected } from '../offers/Offer.ts'
import type { Pin } from '../store/State.ts'
import type { Limits } from './Limits.ts'
import * as Pins from './Pins.ts'

/** How money may move, in the order of preference. */
export type Rail = 'channel' | 'charge' | 'balance'

/**
 * The offer to accept: the first rail of `rails` with an offer that breaks no rule; within a rail, the cheapest.
 * Nothing is signed here.
 * @throws {PaymentRefusedError} no offer is acceptable; the message says why for each kind.
 */
export function chooseOffer(read: Offers, rules: chooseOffer.Rules): Offer {
  const rejected: Rejected[] = [...read.rejected]
  for (const rail of rules.rails) {
    const acceptable = read.offers.filter((offer) => {
      if (offer.rail !== rail) return false
      const complaint = check(offer, rules)
      if (complaint !== undefined) rejected.push({ rail, ...complaint })
      return complaint === undefined
    })
    const cheapest = acceptable.reduce<Offer | undefined>(
      (best, offer) => (best === undefined || offer.amount < best.amount ? offer : best),
      undefined,
    )
    if (cheapest !== undefined) return cheapest
  }
  throw refusal(read, rejected)
}

export declare namespace chooseOffer {
  type Rules = {
    rails: readonly Rail[]
    limits: Limits
    pins: Pins.Pins
    /** Terms first seen at this origin. */
    seen: Pin | undefined
    /** True when the client can send transactions of its own. */
    onchain: boolean
  }
}

function check(offer: Offer, rules: chooseOffer.Rules): { rule: string; reason: string } | undefined {
  if (offer.amount > rules.limits.perCall)
    return {
      rule: 'limits.perCall',
      reason: `costs ${offer.amount} base units, more than limits.perCall ${rules.limits.perCall}`,
    }
  if (offer.rail === 'channel') {
    if (!offer.funding.includes('authorization') && !rules.onchain)
      return { rule: 'rpcUrl', reason: 'must be opened by a transaction, and no rpcUrl is given' }
    if (offer.amount > (rules.limits.deposit ?? rules.limits.perDay))
      return { rule: 'limits.deposit', reason: 'costs more than a channel may hold' }
  }
  return Pins.complaint(offer, rules.pins, rules.seen)
}

function refusal(read: Offers, rejected: readonly Rejected[]): PaymentRefusedError {
  const first = rejected.find(({ rule }) => rule !== 'offer') ?? rejected[0]
  const rule = first?.rule ?? 'rails'
  const reasons = [...new Set(rejected.map(({ rail, reason }) => `${rail}: ${reason}`))]
    .slice(0, 5)
    .join('; ')
  return new PaymentRefusedError({
    code: codes[rule] ?? (rule.startsWith('pins.') ? 'pin-mismatch' : 'no-offer'),
    rule,
    message: `None of ${read.offers.length + read.rejected.length} offers can be accepted${reasons === '' ? '' : ` (${reasons})`}.`,
    fix:
      rule === 'offer' || rule === 'rails'
        ? 'the server must offer a rail that this client may use (option rails).'
        : `change ${rule} if you agree to these terms.`,
  })
}

const codes: Record<string, string> = {
  'limits.perCall': 'limit-per-call',
  'limits.deposit': 'limit-deposit',
}
