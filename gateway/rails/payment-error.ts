import { GatewayError } from '../errors.ts'

const core = 'https://paymentauth.org/problems/'
const session = `${core}session/`

/** Reasons of the "Payment" scheme (draft-httpauth-payment-00, "Status Codes"). */
type CoreReason = 'payment-required' | 'malformed-credential' | 'invalid-challenge' | 'verification-failed'
/** Reasons of the session intent (draft-evm-session-00, "Error Responses"). */
type SessionReason =
  | 'invalid-signature'
  | 'signer-mismatch'
  | 'amount-exceeds-deposit'
  | 'delta-too-small'
  | 'channel-not-found'
  | 'channel-finalized'
  | 'challenge-not-found'
  | 'insufficient-balance'
  | 'transaction-reverted'

const sessionStatus: Partial<Record<SessionReason, number>> = {
  'channel-not-found': 410,
  'channel-finalized': 410,
  'transaction-reverted': 409,
}

/** A credential that does not buy this call. With status 402 the answer carries fresh offers. */
export class PaymentRefusedError extends GatewayError {
  constructor(reason: CoreReason, message: string, details: Record<string, unknown> = {}) {
    super({ status: 402, code: reason, type: core + reason, message, details })
  }
}

/** Revert codes that the draft gives a problem type of their own ("Recommended mapping"). */
const mapped: ReadonlySet<string> = new Set<SessionReason>([
  'amount-exceeds-deposit',
  'channel-not-found',
  'channel-finalized',
  'invalid-signature',
  'insufficient-balance',
])

/** The problem of a transaction that would revert, or did. `code` is what the chain's revert was decoded to. */
export function revertProblem(
  code: string,
  message: string,
  details: Record<string, unknown>,
): SessionRefusedError {
  const reason = mapped.has(code) ? (code as SessionReason) : 'transaction-reverted'
  return new SessionRefusedError(reason, message, details)
}

/** A channel, voucher or deposit that does not hold. */
export class SessionRefusedError extends GatewayError {
  constructor(reason: SessionReason, message: string, details: Record<string, unknown> = {}) {
    super({ status: sessionStatus[reason] ?? 402, code: reason, type: session + reason, message, details })
  }
}

/**
 * Money may have moved and the chain has not said so yet. Never answered with a fresh 402, which would make an honest
 * client pay twice: the same credential, sent again, finds out.
 */
export class PaymentUnknownError extends GatewayError {
  constructor(paymentId: string, reason: string) {
    super({
      status: 503,
      code: 'payment-unknown',
      message: `The outcome of payment ${paymentId} is not known yet: ${reason} Do not pay again; send the same credential again after a while.`,
      retryAfter: 2,
      details: { paymentId },
    })
  }
}
