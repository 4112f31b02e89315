import type { Deps } from '../deps.ts'
import { GatewayError } from '../errors.ts'
import type { Payment } from '../ledger/Payment.ts'
import { PaymentUnknownError } from '../rails/payment-error.ts'
import type { Repeated } from './claim.ts'
import { respondAgain } from './respond.ts'
import { unseal } from './sealed-answer.ts'
import type { Verified } from './verify.ts'

/**
 * Answers the same payment for the same call once more: never charged again, never forwarded again, and never met by a
 * fresh 402.
 * @throws {GatewayError} 409 still running, or delivered and not kept, or made good; 503 outcome unknown.
 */
export async function repeat(
  { repeated: payment, channel }: Repeated,
  verified: Verified,
  deps: Deps,
): Promise<Response> {
  if (payment.money === 'unknown') throw new PaymentUnknownError(payment.id, 'the chain has not answered.')
  switch (payment.delivery) {
    case 'delivered': {
      const stored = await deps.ledger.answer(payment.id)
      if (stored === null) throw new AlreadyDeliveredError(payment)
      const { dialect, challengeId } = verified
      return respondAgain(
        unseal(stored, payment.id, deps.keys.answer),
        { payment, channel, dialect, challengeId },
        deps,
      )
    }
    case 'failed':
      throw new MadeGoodError(payment)
    default:
      throw new InProgressError(payment)
  }
}

/** The call that this payment bought is still running. */
export class InProgressError extends GatewayError {
  constructor({ id }: Payment) {
    super({
      status: 409,
      code: 'payment-in-progress',
      message:
        'The call that this payment bought is still running. Send the same request again after a while.',
      retryAfter: 1,
      details: { paymentId: id },
    })
  }
}

/** The answer was delivered and is not kept (a stream, too large, or too old). */
export class AlreadyDeliveredError extends GatewayError {
  constructor({ id, charged }: Payment) {
    super({
      status: 409,
      code: 'already-delivered',
      message: 'This payment bought an answer that was delivered and is not kept. Pay again for a new one.',
      details: { paymentId: id, charged: charged.toString() },
    })
  }
}

/** The call failed after the money had moved; the amount is credit of the payer's wallet. */
export class MadeGoodError extends GatewayError {
  constructor({ id, wallet, amount, reason }: Payment) {
    super({
      status: 409,
      code: 'payment-credited',
      message: `The call that this payment bought failed. ${amount} base units are credit of wallet ${wallet}.`,
      details: { paymentId: id, reason },
    })
  }
}
