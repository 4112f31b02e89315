import type { Chain } from '../../chain/Chain.ts'
import type { Token } from '../../routes/Token.ts'
import { PaymentRefusedError } from '../payment-error.ts'
import type { VerifiedCharge } from './verify-charge.ts'

/**
 * Asks the chain whether the transfer could move now, before the upstream works for it. It proves nothing about later:
 * what counts is the mined log.
 * @throws {PaymentRefusedError} nonce used or cancelled, or not enough tokens.
 */
export async function preflight(charge: VerifiedCharge, token: Token, chain: Chain): Promise<void> {
  const { from, nonce, value } = charge.authorization
  const [used, balance] = await Promise.all([
    chain.authorizationUsed(token.address, from, nonce),
    chain.balanceOf(token.address, from),
  ])
  if (used) throw new PaymentRefusedError('verification-failed', 'The transfer was used or cancelled before.')
  if (balance < value)
    throw new PaymentRefusedError('verification-failed', 'The payer does not hold enough of the token.', {
      reason: 'insufficient-funds',
    })
}
