/** The base of every error of the client. `code` is what programs match on; the message says the fix. */
export class PaymentError extends Error {
  /** Stable code, in kebab-case. */
  readonly code: string
  /** What to do about it. */
  readonly fix: string

  constructor(options: PaymentError.Options) {
    super(
      `${options.message} Fix: ${options.fix}`,
      options.cause === undefined ? undefined : { cause: options.cause },
    )
    this.name = new.target.name
    this.code = options.code
    this.fix = options.fix
  }
}

export declare namespace PaymentError {
  type Options = { code: string; message: string; fix: string; cause?: unknown }
}

/** Policy refused to pay: limits, pins, transport, or an answer that makes no sense. Nothing was signed. */
export class PaymentRefusedError extends PaymentError {
  /** The limit or rule that refused, as the options name it: `limits.perCall`, `pins.tokens`. */
  readonly rule: string

  constructor(options: PaymentError.Options & { rule: string }) {
    super(options)
    this.rule = options.rule
  }
}

/** One key names one call; it cannot name another while the outcome of the first is open. */
export function keyReused(key: string): PaymentRefusedError {
  return new PaymentRefusedError({
    code: 'idempotency-key-reused',
    rule: 'Idempotency-Key',
    message: `Idempotency-Key ${key.slice(0, 128)} belongs to another call whose outcome is not known yet.`,
    fix: 'use one key for one call.',
  })
}

/**
 * A credential went out and nobody said what became of it. The money may have moved. Call again with the same
 * `Idempotency-Key`: the same credential is sent again, nothing is signed anew.
 */
export class PaymentUnknownError extends PaymentError {
  /** The gateway's id of the payment, when it gave one: `GET /farthing/payments/:id` tells what became of it. */
  readonly paymentId: string | undefined
  readonly idempotencyKey: string

  constructor(options: { message: string; paymentId?: string; idempotencyKey: string; cause?: unknown }) {
    super({
      code: 'payment-unknown',
      message: options.message,
      fix:
        options.paymentId === undefined
          ? `repeat the call with Idempotency-Key ${options.idempotencyKey}.`
          : `repeat the call with Idempotency-Key ${options.idempotencyKey}, or ask GET /farthing/payments/${options.paymentId}.`,
      cause: options.cause,
    })
    this.paymentId = options.paymentId
    this.idempotencyKey = options.idempotencyKey
  }
}

/** The answer came, and its receipt is missing, forged, or says something we did not sign. */
export class ReceiptError extends PaymentError {
  /** The answer as it came, body unread. */
  readonly response: Response

  constructor(options: PaymentError.Options & { response: Response }) {
    super(options)
    this.response = options.response
  }
}

/** A channel cannot do what was asked of it: unknown, closed, or the gateway disagrees about its numbers. */
export class ChannelError extends PaymentError {}
