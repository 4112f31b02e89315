import { GatewayError } from '../errors.ts'

/**
 * What every implementation of the ledger throws. All are faults of ours (5xx): what a caller may do wrong has an
 * outcome instead (`Ledger.ClaimResult`, `Ledger.VoucherResult`).
 */

/** No such payment. */
export class PaymentNotFoundError extends GatewayError {
  constructor(id: string) {
    super({ message: `Payment "${id}" is not in the ledger.`, status: 500, code: 'payment-not-found' })
  }
}

/** The payment is not in a state from which the operation may go on. Nothing was changed. */
export class PaymentStateError extends GatewayError {
  constructor(operation: string, payment: { id: string; rail: string; delivery: string; money: string }) {
    super({
      message:
        `Operation "${operation}" is not allowed on payment "${payment.id}": rail ${payment.rail}, ` +
        `delivery ${payment.delivery}, money ${payment.money}. See the table in gateway/ledger/Payment.ts.`,
      status: 500,
      code: 'payment-state',
      details: { payment: payment.id, operation, delivery: payment.delivery, money: payment.money },
    })
  }
}

/** No such withdrawal. */
export class WithdrawalNotFoundError extends GatewayError {
  constructor(id: string) {
    super({
      message: `Withdrawal "${id}" is not in the ledger.`,
      status: 500,
      code: 'ledger-withdrawal-not-found',
    })
  }
}

/** The withdrawal is not in a state from which the operation may go on. Nothing was changed. */
export class WithdrawalStateError extends GatewayError {
  constructor(operation: string, withdrawal: { id: string; state: string }, rule: string) {
    super({
      message: `Operation "${operation}" is not allowed on withdrawal "${withdrawal.id}", which is ${withdrawal.state}: ${rule}.`,
      status: 500,
      code: 'withdrawal-state',
      details: { withdrawal: withdrawal.id, operation, state: withdrawal.state },
    })
  }
}

/** No such channel. */
export class ChannelNotFoundError extends GatewayError {
  constructor(id: string) {
    super({
      message: `Channel ${id} is not in the ledger. Fix: record it with channelSeen first.`,
      status: 500,
      code: 'ledger-channel-not-found',
    })
  }
}

/** What is fixed for a channel's life was told differently. */
export class ChannelMismatchError extends GatewayError {
  constructor(id: string, what: string, told: string, known: string) {
    super({
      message: `Channel ${id} has ${what} ${known}, not ${told}.`,
      status: 500,
      code: 'ledger-channel-mismatch',
    })
  }
}

/** An amount outside what the operation allows. */
export class AmountError extends GatewayError {
  constructor(amount: bigint, rule: string) {
    super({ message: `Amount ${amount} ${rule}.`, status: 500, code: 'ledger-amount' })
  }
}

/** A movement on chain that is booked already, for something else; or a payment that another movement settled. */
export class ChainReferenceError extends GatewayError {
  constructor(ref: { chainId: number; transaction: string; logIndex: number }, rule: string) {
    super({
      message: `Log ${ref.logIndex} of transaction ${ref.transaction} on chain ${ref.chainId} ${rule}.`,
      status: 500,
      code: 'ledger-chain-reference',
    })
  }
}

/** No such intent, or one that has ended. */
export class IntentError extends GatewayError {
  constructor(id: string, rule: string) {
    super({ message: `Intent "${id}" ${rule}.`, status: 500, code: 'ledger-intent' })
  }
}

/** Another transaction of the same key has this nonce. Take another one. */
export class NonceTakenError extends GatewayError {
  constructor(id: string, nonce: number, other: string) {
    super({
      message: `Intent "${id}" has nonce ${nonce}, which intent "${other}" of the same key has taken.`,
      status: 500,
      code: 'nonce-taken',
    })
  }
}

/** What this would do is being done by another transaction, perhaps of another process. Nothing was written. */
export class IntentUnderWayError extends GatewayError {
  constructor(id: string, subject: string, other: string) {
    super({
      message: `Intent "${id}" is about "${subject}", which intent "${other}" is about and has not ended.`,
      status: 500,
      code: 'intent-under-way',
      details: { intent: other },
    })
  }
}

/** A channel is closed only while the books refuse its calls. Nothing was written. */
export class CloseNotAskedError extends GatewayError {
  constructor(id: string, channel: string) {
    super({
      message: `Intent "${id}" would close channel ${channel}, which is not asked to close and takes calls.`,
      status: 500,
      code: 'not-asked-to-close',
    })
  }
}

/** The ledger was closed. */
export class LedgerClosedError extends GatewayError {
  constructor() {
    super({
      message: 'The ledger is closed: the gateway is stopping.',
      status: 503,
      code: 'ledger-closed',
      retryAfter: 5,
    })
  }
}

/** This process is not registered any more: another one took it for dead. Whatever it was about to write was not written. */
export class InstanceLostError extends GatewayError {
  constructor(id: string) {
    super({
      message:
        `Instance "${id}" is not registered in the ledger any more: it left, or stood still for so long that another ` +
        'gateway took it for dead and ended its calls. Nothing was written. Fix: start this gateway again.',
      status: 503,
      code: 'instance-lost',
      retryAfter: 5,
    })
  }
}

/** The books could not be written: nothing of the operation was applied. Asking again is safe. */
export class LedgerUnavailableError extends GatewayError {
  constructor(reason: string, cause: unknown) {
    super({
      message: `The ledger could not be written: ${reason}`,
      status: 503,
      code: 'ledger-unavailable',
      retryAfter: 1,
      cause,
    })
  }
}

/** The disk did not confirm what was written last. It may be kept or not; a restart finds out, and goes on from there. */
export class LedgerUnsafeError extends GatewayError {
  constructor(cause: unknown) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    super({
      message:
        `The disk did not confirm what the ledger wrote (${reason}), so the ledger takes nothing more. ` +
        'Fix: check the volume, then start the gateway again: it goes on from what is on disk.',
      status: 503,
      code: 'ledger-unsafe',
      retryAfter: 5,
      cause,
    })
  }
}

/** The database refused what the code asked: a rule of the schema would have been broken. Nothing was applied. */
export class LedgerIntegrityError extends GatewayError {
  constructor(reason: string, cause?: unknown) {
    super({
      message: `The ledger refused an operation that would break its rules: ${reason}. Fix: run \`farthing audit\` and report this.`,
      status: 500,
      code: 'ledger-integrity',
      ...(cause === undefined ? {} : { cause }),
    })
  }
}
