import * as Challenge from '../../gateway/protocol/mpp/Challenge.ts'
import * as PaymentRequired from '../../gateway/protocol/x402/PaymentRequired.ts'
import { PaymentRefusedError } from '../errors.ts'
import * as Mpp from './mpp.ts'
import type { Offer, Offers } from './Offer.ts'
import * as X402 from './x402.ts'

/** Most offers of one answer that are looked at; a server that sends more has something else in mind. */
const maxOffers = 32

/** Most characters of `WWW-Authenticate`. */
const maxLength = 65_536

/**
 * Reads all offers of a 402, in both dialects. Undefined when the answer asks for no payment that anybody could read.
 * @param now milliseconds since the epoch.
 * @throws {PaymentRefusedError} `too-many-offers`: beyond what an honest server sends.
 */
export function readOffers(headers: Headers, now: number): Offers | undefined {
  const authenticate = headers.get('www-authenticate') ?? ''
  const required = headers.get(PaymentRequired.header)
  if (authenticate.length > maxLength)
    throw tooMany(`${authenticate.length} characters of WWW-Authenticate are more than ${maxLength}.`)
  const challenges = Challenge.parseAll(authenticate)
  if (challenges.length === 0 && required === null) return undefined
  const mpp = Mpp.readAll(challenges.slice(0, maxOffers), now)
  const x402 = required === null ? { offers: [], rejected: [] } : X402.readAll(required)
  const count = challenges.length + x402.offers.length + x402.rejected.length
  if (count > maxOffers) throw tooMany(`${count} offers are more than the ${maxOffers} that are looked at.`)
  const offers = [...mpp.offers, ...x402.offers].map((offer) => ({
    ...offer,
    domain: offer.domain ?? x402.offers.find((other) => sameToken(offer, other))?.domain,
  }))
  return { offers, rejected: [...mpp.rejected, ...x402.rejected] }
}

const sameToken = (a: Offer, b: Offer) => a.chainId === b.chainId && a.token === b.token

function tooMany(message: string) {
  return new PaymentRefusedError({
    code: 'too-many-offers',
    rule: 'offer',
    message,
    fix: 'do not pay this server; its 402 is not an honest one.',
  })
}
