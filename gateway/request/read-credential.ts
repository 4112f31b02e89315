import { GatewayError } from '../errors.ts'
import { MalformedError } from '../protocol/Encoding.ts'
import * as Credential from '../protocol/mpp/Credential.ts'
import * as PaymentPayload from '../protocol/x402/PaymentPayload.ts'
import { PaymentRefusedError } from '../rails/payment-error.ts'

/** What the caller sent to identify itself or to pay. */
export type Sent = {
  credential:
    | { dialect: 'mpp'; credential: Credential.Credential }
    | { dialect: 'x402'; payment: PaymentPayload.PaymentPayload }
    | null
  /** Why the MPP credential cannot be read. Said once the call has a price, so that the answer carries offers. */
  malformed: PaymentRefusedError | null
  /** Bearer token of a sign-in. */
  sessionToken: string | null
  /** The caller's own name for this call. */
  idempotencyKey: string | null
}

/**
 * Reads the headers of either dialect, in bounded time, whatever they hold.
 * @throws {GatewayError} 400 for several credentials or an unusable header.
 */
export function readCredential(header: (name: string) => string | null): Sent {
  const authorization = header('authorization')
  const signature = header(PaymentPayload.header.toLowerCase())
  const session = header('farthing-session')
  if (authorization?.includes(',')) throw new SeveralCredentialsError('two Authorization headers')
  if (signature?.includes(',')) throw new SeveralCredentialsError(`two ${PaymentPayload.header} headers`)

  const token = authorization === null ? null : Credential.token(authorization)
  const bearer =
    authorization === null ? null : (/^bearer +([A-Za-z0-9_-]{16,128})$/i.exec(authorization)?.[1] ?? null)
  if (authorization !== null && token === null && bearer === null)
    throw new GatewayError({
      status: 400,
      code: 'unusable-authorization',
      message:
        'The Authorization header is neither a Payment credential nor a Bearer session. Fix: leave it out.',
    })
  if (token !== null && signature !== null) throw new SeveralCredentialsError('an MPP and an x402 credential')
  if (bearer !== null && session !== null && bearer !== session)
    throw new SeveralCredentialsError('two different sessions')

  const mpp = token === null ? null : readMpp(token)
  const malformed = mpp instanceof PaymentRefusedError ? mpp : null
  return {
    credential:
      mpp !== null && !(mpp instanceof PaymentRefusedError)
        ? { dialect: 'mpp', credential: mpp }
        : signature !== null
          ? { dialect: 'x402', payment: readX402(signature) }
          : null,
    malformed,
    sessionToken: bearer ?? session,
    idempotencyKey: readIdempotencyKey(header('idempotency-key')),
  }
}

function readMpp(token: string): Credential.Credential | PaymentRefusedError {
  try {
    return Credential.parse(token)
  } catch (error) {
    if (error instanceof MalformedError) return new PaymentRefusedError('malformed-credential', error.message)
    throw error
  }
}

function readX402(value: string): PaymentPayload.PaymentPayload {
  try {
    return PaymentPayload.parse(value)
  } catch (error) {
    if (error instanceof MalformedError)
      throw new GatewayError({ status: 400, code: 'malformed-credential', message: error.message })
    throw error
  }
}

function readIdempotencyKey(value: string | null): string | null {
  if (value === null) return null
  if (!/^[\x21-\x7e]{1,128}$/.test(value))
    throw new GatewayError({
      status: 400,
      code: 'unusable-idempotency-key',
      message: 'An Idempotency-Key has 1 to 128 printable characters and no space. Fix: send a UUID.',
    })
  return value
}

/** More than one way to pay or to be somebody in one request: nothing is guessed. */
export class SeveralCredentialsError extends GatewayError {
  constructor(which: string) {
    super({
      status: 400,
      code: 'several-credentials',
      message: `The request carries ${which}; send one.`,
    })
  }
}
