import { type Address, type Hex, isAddressEqual } from 'viem'
import type { Chain } from '../../chain/Chain.ts'
import * as ChargeOrder from '../../chain/ChargeOrder.ts'
import { type Clock, unixSeconds } from '../../clock.ts'
import type * as Authorization from '../../protocol/Authorization.ts'
import * as Challenge from '../../protocol/mpp/Challenge.ts'
import * as Charge from '../../protocol/mpp/Charge.ts'
import type { Credential } from '../../protocol/mpp/Credential.ts'
import { complaint } from '../../protocol/Schema.ts'
import * as PaymentPayload from '../../protocol/x402/PaymentPayload.ts'
import * as Token from '../../routes/Token.ts'
import { PaymentRefusedError } from '../payment-error.ts'
import type { Terms } from '../Terms.ts'

/** A transfer that its payer signed for exactly these terms. */
export type VerifiedCharge = {
  rail: 'charge'
  wallet: Address
  /** What cannot be spent twice: (chain, token, from, nonce). */
  key: string
  authorization: Authorization.Authorization
  signature: Hex
  /** It can no longer move: it buys nothing new, and what it bought can still be asked for. */
  expired: boolean
}

type Context = { terms: Terms; payee: Address; chain: Chain; clock: Clock }

/** Verifies an MPP `authorization` credential (draft-evm-charge-00, "Authorization Verification" 2 to 6). */
export async function verifyMppCharge(credential: Credential, context: Context): Promise<VerifiedCharge> {
  const parsed = Charge.authorization.safeParse(credential.payload)
  if (!parsed.success)
    throw new PaymentRefusedError('malformed-credential', `The payload's ${complaint(parsed.error)}.`)
  const { signature, type: _, ...authorization } = parsed.data
  if (authorization.nonce !== Challenge.hash(credential.challenge))
    throw refused('The nonce is not the hash of this challenge.')
  return verifyTransfer(authorization, signature, context)
}

/** Verifies an x402 `exact` payload (scheme_exact_evm, "Phase 2" 1, 3 and 4). */
export async function verifyX402Exact(payload: unknown, context: Context): Promise<VerifiedCharge> {
  const parsed = PaymentPayload.exact.safeParse(payload)
  if (!parsed.success)
    throw new PaymentRefusedError('malformed-credential', `The payload's ${complaint(parsed.error)}.`)
  return verifyTransfer(parsed.data.authorization, parsed.data.signature, context)
}

async function verifyTransfer(
  authorization: Authorization.Authorization,
  signature: Hex,
  { terms, payee, chain, clock }: Context,
): Promise<VerifiedCharge> {
  const now = BigInt(unixSeconds(clock))
  if (!isAddressEqual(authorization.to, payee)) throw refused('The transfer is to another payee.')
  if (authorization.value !== terms.amount)
    throw refused(`The transfer is of ${authorization.value} base units; the call costs ${terms.amount}.`)
  if (authorization.validAfter > now) throw refused('The transfer is not valid yet.')
  const valid = await chain.verifyAuthorization(
    'transfer',
    Token.domain(terms.token),
    authorization,
    signature,
  )
  if (!valid) throw refused('The signature is not that of the payer it names.')
  return {
    rail: 'charge',
    wallet: authorization.from,
    key: ChargeOrder.keyOf(terms.token.chainId, terms.token.address, authorization.from, authorization.nonce),
    authorization,
    signature,
    expired: authorization.validBefore <= now,
  }
}

const refused = (message: string) => new PaymentRefusedError('verification-failed', message)
