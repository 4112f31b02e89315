import type { Deps } from '../deps.ts'
import { GatewayError } from '../errors.ts'
import type { Payment } from '../ledger/Payment.ts'
import * as SignedReceipt from '../protocol/SignedReceipt.ts'
import { PaymentUnknownError } from '../rails/payment-error.ts'
import * as Fields from '../upstream/Fields.ts'
import type { Repeated } from './claim.ts'
import type { Outgoing } from './Outgoing.ts'
import { errorAnswer, problem } from './problem.ts'
import { signedReceipt } from './receipt.ts'
import { respondAgain } from './respond.ts'
import { unseal } from './sealed-answer.ts'
import type { Verified } from './verify.ts'
import { isRunning, preferredWait, waitFor } from './wait.ts'

/**
 * Answers the same payment for the same call once more: never charged again, never forwarded again, and never met by a
 * fresh 402. A caller that prefers to wait (`Prefer: wait=N`) is answered when the call has ended.
 * @throws {GatewayError} 409 still running, or delivered and not kept, or made good; 503 outcome unknown.
 */
export async function repeat(repeated: Repeated, verified: Verified, deps: Deps): Promise<Outgoing> {
  const { repeated: payment } = repeated
  const { waitedMs } = verified
  const seconds = preferredWait(
    Fields.get(verified.incoming.fields, 'prefer'),
    deps.config.limits.waitSeconds,
  )
  if (seconds === null || (!isRunning(payment) && waitedMs === 0)) return answer(repeated, verified, deps)
  const leftMs = Math.max(0, seconds * 1_000 - waitedMs)
  const ended = await waitFor(payment, leftMs, verified.incoming.gone, deps)
  if (ended === null) return answer(repeated, verified, deps)
  const channel = ended.channelId === null ? null : await deps.ledger.channel(ended.channelId)
  const again = await answer({ repeated: ended, channel }, verified, deps).catch((error: unknown) =>
    errorAnswer(error, deps),
  )
  Fields.set(again.headers, 'preference-applied', `wait=${seconds}`)
  return again
}

async function answer(
  { repeated, channel }: Repeated,
  { dialect, challengeId }: Verified,
  deps: Deps,
): Promise<Outgoing> {
  // Released before its transfer is sent: its receipt said the whole price, and says so again.
  const early = repeated.atRisk && repeated.charged === 0n
  const payment = early ? { ...repeated, charged: repeated.amount } : repeated
  // Its caller knows by now.
  if (payment.rail === 'charge' && (payment.delivery === 'delivered' || payment.delivery === 'failed'))
    await deps.ledger.doubts.forget(payment.id)
  switch (payment.delivery) {
    case 'delivered': {
      const stored = await deps.ledger.answer(payment.id)
      if (stored === null) return delivered(payment, channel, deps)
      const receipted = { payment, channel, dialect, challengeId }
      return respondAgain(unseal(stored, payment.id, deps.keys.answers), receipted, deps)
    }
    case 'failed':
      throw new MadeGoodError(payment)
    case 'void':
      throw new NothingChargedError(payment)
    default:
      if (payment.money === 'unknown')
        throw new PaymentUnknownError(payment.id, 'the chain has not answered.')
      throw new InProgressError(payment)
  }
}

/** What cannot be given again is answered by its receipt, and by how far it got. */
async function delivered(payment: Payment, channel: Repeated['channel'], deps: Deps): Promise<Outgoing> {
  const receipt = await signedReceipt({ payment, channel }, deps)
  const answer = problem(new AlreadyDeliveredError(payment, receipt))
  answer.headers.push(SignedReceipt.header.toLowerCase(), receipt)
  return answer
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
  constructor({ id, charged, delivered }: Payment, receipt: string) {
    super({
      status: 409,
      code: 'already-delivered',
      message:
        delivered === null || delivered.whole
          ? 'This payment bought an answer that was delivered and is not kept. Pay again for a new one.'
          : `This payment bought an answer that ended after ${delivered.bytes} bytes and is not kept. Pay again for a new one.`,
      details: {
        paymentId: id,
        charged: charged.toString(),
        ...(delivered === null ? {} : { bytes: delivered.bytes, whole: delivered.whole }),
        receipt,
      },
    })
  }
}

/** The call failed while somebody waited for it; nothing was charged. */
export class NothingChargedError extends GatewayError {
  constructor({ id, reason }: Payment) {
    super({
      status: 409,
      code: 'nothing-charged',
      message:
        'The call that this payment was for failed, and nothing was charged. Send the same request again to try once more.',
      retryAfter: 1,
      details: { paymentId: id, reason },
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
