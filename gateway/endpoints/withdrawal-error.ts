import type { Address } from 'viem'
import { GatewayError } from '../errors.ts'

/** Why credit is not paid out. In each of these cases it stays where it is. */

/** The seller does not pay credit out by itself. */
export class WithdrawalsDisabledError extends GatewayError {
  constructor() {
    super({
      status: 403,
      code: 'withdrawals-disabled',
      message: 'Credit is not paid out here; it can be spent on calls.',
    })
  }
}

/** The signed request is not signed by the wallet it names, is for other terms, or has expired. */
export class WithdrawalUnauthorisedError extends GatewayError {
  constructor() {
    super({
      status: 401,
      code: 'withdrawal-unauthorised',
      message:
        'The request is not signed by its wallet for exactly these terms, or its deadline is over. Sign payee, token, amount, recipient, nonce and deadline anew.',
    })
  }
}

/** A session alone pays nobody but its own wallet. */
export class SignatureNeededError extends GatewayError {
  constructor(wallet: Address) {
    super({
      status: 403,
      code: 'signature-needed',
      message: `A session pays out to its own wallet ${wallet} alone. Sign the request (EIP-712) to pay somebody else.`,
    })
  }
}

/** Without a name for it, asking again would be a second withdrawal. */
export class IdempotencyKeyNeededError extends GatewayError {
  constructor() {
    super({
      status: 400,
      code: 'idempotency-key-needed',
      message:
        'A withdrawal needs an Idempotency-Key, so that asking again is not a second one. Fix: send a UUID.',
    })
  }
}

/** Tokens sent there would be lost, or would not leave at all. */
export class RecipientRefusedError extends GatewayError {
  constructor(to: Address) {
    super({ status: 400, code: 'recipient-refused', message: `Nothing is paid out to ${to}.` })
  }
}

/** The key or the nonce was used for another withdrawal. */
export class WithdrawalConflictError extends GatewayError {
  constructor() {
    super({
      status: 409,
      code: 'withdrawal-conflict',
      message: 'This Idempotency-Key or nonce was used for another withdrawal. Fix: use a new one.',
    })
  }
}

/** An amount or token that cannot be paid out. */
export class WithdrawalAmountError extends GatewayError {
  constructor(status: number, code: string, message: string, details: Record<string, unknown> = {}) {
    super({ status, code, message, details })
  }
}

/** The daily limit of this wallet, or of all together, of which nobody is told how much is left. */
export class WithdrawalLimitError extends GatewayError {
  constructor(limit: 'wallet' | 'total', left: string) {
    super({
      status: 429,
      code: 'withdrawal-limit',
      message:
        limit === 'wallet'
          ? `This wallet may withdraw ${left} more within 24 hours. Ask for less, or later.`
          : 'No more is paid out today. Ask again later; the credit stays.',
      retryAfter: 3_600,
      details: limit === 'wallet' ? { left } : {},
    })
  }
}

/** The same for every id that is not one of ours. */
export class NoSuchWithdrawalError extends GatewayError {
  constructor() {
    super({ status: 404, code: 'no-such-withdrawal', message: 'There is no such withdrawal here.' })
  }
}
