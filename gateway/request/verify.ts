import type { Hex } from 'viem'
import type { Deps } from '../deps.ts'
import type { Channel } from '../ledger/Channel.ts'
import type { Dialect } from '../ledger/Payment.ts'
import * as Amount from '../protocol/Amount.ts'
import { jcs, MalformedError } from '../protocol/Encoding.ts'
import type { Challenge } from '../protocol/mpp/Challenge.ts'
import type { Credential } from '../protocol/mpp/Credential.ts'
import type { PaymentPayload } from '../protocol/x402/PaymentPayload.ts'
import { sessionAction, voucherOf } from '../rails/channel/session-action.ts'
import type { VerifiedVoucher } from '../rails/channel/verify-voucher.ts'
import { x402Requirements } from '../rails/charge/offer.ts'
import { type VerifiedCharge, verifyMppCharge, verifyX402Exact } from '../rails/charge/verify-charge.ts'
import { PaymentRefusedError } from '../rails/payment-error.ts'
import { mppRequestText, payeeOf, realmOf } from './offers.ts'
import type { OurChallenges } from './our-challenges.ts'
import { RequestPatience } from './patience.ts'
import type { Priced } from './price.ts'

/** A bearer session that spends its wallet's balance. */
export type VerifiedBalance = { rail: 'balance'; wallet: `0x${string}` }

/** A request whose payment is proven, and not booked yet. */
export type Verified = Priced & {
  paying: VerifiedCharge | VerifiedVoucher | VerifiedBalance
  dialect: Dialect
  challengeId: string | null
  /** Its time is over, and how that is refused: it buys nothing new, and what it bought can still be asked for. */
  late: PaymentRefusedError | null
  /** How long it has waited for its deposit, which another request made. */
  waitedMs: number
}

/** A request that was about a channel and nothing else: it is answered without a call. */
export type Managed = { managed: Channel; transaction: Hex | null; challengeId: string; proven: boolean }

/**
 * Verifies the credential against exactly these terms. The signature comes first, before anything that costs.
 * @throws {PaymentRefusedError} 402 with the reason; also when there is no credential at all.
 */
export async function verify(priced: Priced, deps: Deps): Promise<Verified | Managed> {
  const verified = await verifyCredential(priced, deps)
  if (!('managed' in verified)) checkGatePassed(verified)
  return verified
}

/** A gate that was passed on a credential's word was passed by the wallet that pays, and by no other. */
function checkGatePassed({ route, signedIn, claimedPayer, paying }: Verified): void {
  if (route.gate?.effect.kind !== 'required' || signedIn !== null || claimedPayer === paying.wallet) return
  throw new PaymentRefusedError(
    'verification-failed',
    'The wallet that pays is not the one that was looked up for the token gate.',
  )
}

async function verifyCredential(priced: Priced, deps: Deps): Promise<Verified | Managed> {
  const { credential, malformed, signedIn, terms } = priced
  if (malformed !== null) throw malformed
  if (credential === null) {
    if (signedIn !== null && terms.route.rails.includes('balance'))
      return {
        ...priced,
        paying: { rail: 'balance', wallet: signedIn },
        dialect: 'session',
        challengeId: null,
        late: null,
        waitedMs: 0,
      }
    throw new PaymentRefusedError('payment-required', costs(terms))
  }
  return credential.dialect === 'mpp'
    ? verifyMpp(credential.credential, priced, deps)
    : verifyX402(credential.payment, priced, deps)
}

async function verifyMpp(credential: Credential, priced: Priced, deps: Deps): Promise<Verified | Managed> {
  const { terms } = priced
  const { challenge } = credential
  const rail = challenge.intent === 'charge' ? 'charge' : challenge.intent === 'session' ? 'channel' : null
  if (rail === null || !terms.route.rails.includes(rail))
    throw invalid('names an intent that is not offered here')
  checkChallenge(challenge, rail, priced, deps)
  const expired = !(Date.parse(challenge.expires ?? '') > deps.clock.now())
  const late = expired ? invalid('has expired') : null
  const common = { dialect: 'mpp', challengeId: challenge.id, late } as const
  if (rail === 'charge') {
    const { chain, clock } = deps
    const paying = await verifyMppCharge(credential, { terms, payee: chain.payee, chain, clock })
    return { ...priced, paying, ...common, late: late ?? lateTransfer(paying), waitedMs: 0 }
  }
  if (late !== null) {
    const paying = await voucherOf(credential, { ...deps, terms })
    if (paying === null) throw late
    return { ...priced, paying, ...common, waitedMs: 0 }
  }
  const patience = new RequestPatience(priced.incoming, deps)
  // HEAD carries no answer, so a voucher on it is a voucher and not a call ("Voucher Submission Transport").
  const options = { voucherOnly: priced.method === 'HEAD' }
  try {
    const action = await sessionAction(credential, options, { ...deps, terms, patience })
    return action.kind === 'pay'
      ? { ...priced, paying: action.voucher, ...common, waitedMs: patience.waitedMs }
      : {
          managed: action.channel,
          transaction: action.transaction,
          challengeId: challenge.id,
          proven: action.proven,
        }
  } finally {
    patience.leave()
  }
}

/** The challenge is ours, for this route, wallet, body and price. */
function checkChallenge(
  challenge: Challenge,
  rail: 'charge' | 'channel',
  { terms }: Priced,
  deps: Deps,
): void {
  const { config, challenges } = deps
  const opaque = opaqueOf(challenge, challenges)
  if (opaque === null) throw invalid('is not one of ours, or was altered')
  if (challenge.realm !== realmOf(config) || challenge.method !== 'evm')
    throw invalid('is for another realm or method')
  if (opaque.route !== terms.route.id) throw invalid('is for another route')
  if ((opaque.wallet ?? null) !== terms.wallet) throw invalid('is for another wallet')
  if (challenge.digest !== undefined && challenge.digest !== terms.digest)
    throw invalid('is for another request body')
  const current = mppRequestText(rail, terms, deps, opaque.channel ?? null)
  if (challenge.request !== current) throw invalid('is at terms that are no longer offered')
}

function opaqueOf(
  challenge: Challenge,
  challenges: Deps['challenges'],
): ReturnType<OurChallenges['opaqueOf']> {
  try {
    return challenges.opaqueOf(challenge)
  } catch (error) {
    if (error instanceof MalformedError) throw invalid('cannot be read')
    throw error
  }
}

async function verifyX402(payment: PaymentPayload, priced: Priced, deps: Deps): Promise<Verified> {
  const { terms, path } = priced
  const { chain, clock, config } = deps
  if (!terms.route.rails.includes('charge')) throw invalid('is of a scheme that is not offered here')
  if (!isSame(payment.accepted, x402Requirements(terms, payeeOf(config, chain))))
    throw invalid('accepts other requirements than those offered here')
  if (payment.resource !== undefined && !isResource(payment.resource.url, path, config.publicUrl))
    throw invalid('is for another resource')
  const paying = await verifyX402Exact(payment.payload, { terms, payee: chain.payee, chain, clock })
  return { ...priced, paying, dialect: 'x402', challengeId: null, late: lateTransfer(paying), waitedMs: 0 }
}

function lateTransfer({ expired }: VerifiedCharge): PaymentRefusedError | null {
  return expired ? new PaymentRefusedError('verification-failed', 'The transfer has expired.') : null
}

/** Equality by value. What has no canonical form equals nothing of ours. */
function isSame(theirs: unknown, ours: unknown): boolean {
  try {
    return jcs(theirs) === jcs(ours)
  } catch (error) {
    if (error instanceof MalformedError) return false
    throw error
  }
}

function isResource(url: string, path: string, publicUrl: URL): boolean {
  const parsed = URL.canParse(url) ? new URL(url) : null
  return parsed !== null && parsed.origin === publicUrl.origin && parsed.pathname === path
}

const invalid = (complaint: string) =>
  new PaymentRefusedError(
    'invalid-challenge',
    `The credential ${complaint}. Pay by one of the offers in this answer.`,
  )

function costs({ route, token, amount }: Priced['terms']): string {
  return `${route.id} costs ${Amount.format(amount, token.decimals)} ${token.symbol}.`
}
