import * as Challenge from '../../gateway/protocol/mpp/Challenge.ts'
import * as Charge from '../../gateway/protocol/mpp/Charge.ts'
import * as Session from '../../gateway/protocol/mpp/Session.ts'
import type { ChannelOffer, Offer, Offers } from './Offer.ts'

/**
 * Reads one MPP challenge as an offer. Anything it does not understand becomes a reason, never an error.
 * @param now milliseconds since the epoch; an expired challenge must not be answered (draft-httpauth-payment-00).
 */
export function readChallenge(challenge: Challenge.Challenge, now: number): Offer | string {
  if (challenge.method !== 'evm') return 'is of a payment method this client does not speak'
  if (challenge.expires !== undefined && !(Date.parse(challenge.expires) > now)) return 'has expired'
  try {
    if (challenge.intent === 'charge') return charge(challenge)
    if (challenge.intent === 'session') return session(challenge)
  } catch {
    return 'cannot be decoded'
  }
  return 'is of an intent this client does not speak'
}

/** Reads every MPP challenge of a `WWW-Authenticate` value. */
export function readAll(challenges: readonly Challenge.Challenge[], now: number): Offers {
  const read: Offers = { offers: [], rejected: [] }
  for (const challenge of challenges) {
    const offer = readChallenge(challenge, now)
    if (typeof offer !== 'string') read.offers.push(offer)
    else
      read.rejected.push({
        rail: challenge.intent === 'session' ? 'channel' : 'charge',
        reason: `an MPP challenge ${offer}`,
        rule: 'offer',
      })
  }
  return read
}

function charge(challenge: Challenge.Challenge): Offer | string {
  const parsed = Charge.request.safeParse(Challenge.decodeRequest(challenge))
  if (!parsed.success) return 'does not have the form of a charge'
  const { amount, currency, recipient, methodDetails } = parsed.data
  if (!(methodDetails.credentialTypes ?? []).includes('authorization'))
    return 'takes no EIP-3009 authorization'
  if (methodDetails.splits !== undefined) return 'splits the payment, which an authorization cannot'
  return {
    rail: 'charge',
    amount,
    chainId: methodDetails.chainId,
    token: currency,
    payee: recipient,
    domain: undefined,
    source: { dialect: 'mpp', challenge },
  }
}

function session(challenge: Challenge.Challenge): ChannelOffer | string {
  const parsed = Session.request.safeParse(Challenge.decodeRequest(challenge))
  if (!parsed.success) return 'does not have the form of a session'
  const { amount, currency, recipient, suggestedDeposit, unitType, methodDetails } = parsed.data
  if (unitType !== undefined && unitType !== 'request') return 'prices a unit other than the request'
  const types = methodDetails.credentialTypes ?? ['hash']
  return {
    rail: 'channel',
    amount,
    chainId: methodDetails.chainId,
    token: currency,
    payee: recipient,
    domain: undefined,
    escrow: methodDetails.escrowContract,
    challenge,
    suggestedDeposit,
    minVoucherDelta: methodDetails.minVoucherDelta ?? 0n,
    funding: types.flatMap((type) =>
      type === 'hash' || (type === 'authorization' && methodDetails.feePayer === true) ? [type] : [],
    ),
    channelId: methodDetails.channelId,
  }
}
