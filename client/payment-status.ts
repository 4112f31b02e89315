import * as PaymentStatusMessage from '../gateway/protocol/PaymentStatus.ts'
import type { Context } from './Context.ts'
import { receiptKey } from './Discovery.ts'
import { readBounded } from './read-bounded.ts'

/** What a gateway signs about a payment. Amounts in base units. */
export type PaymentStatus = PaymentStatusMessage.Claims

/** Milliseconds between two questions, at first and at most. */
const firstDelay = 500
const longestDelay = 8_000

/**
 * What became of a payment, as its gateway signs it (`GET /farthing/payments/:id`). Undefined when nobody says so: no such
 * payment, no Farthing gateway, or not signed by the key of its receipts.
 */
export async function paymentStatus(
  context: Context,
  origin: string,
  paymentId: string,
  signal?: AbortSignal,
): Promise<PaymentStatus | undefined> {
  try {
    const key = await receiptKey(context, origin)
    if (key === undefined) return undefined
    const response = await context.fetch(`${origin}/farthing/payments/${encodeURIComponent(paymentId)}`, {
      redirect: 'error',
      headers: { accept: 'application/json' },
      ...(signal === undefined ? {} : { signal }),
    })
    if (!response.ok || response.body === null) {
      await response.body?.cancel()
      return undefined
    }
    const bytes = await readBounded(response.body, 65_536)
    if (bytes === undefined) return undefined
    const { jws } = JSON.parse(new TextDecoder().decode(bytes)) as { jws?: unknown }
    if (typeof jws !== 'string') return undefined
    const claims = await PaymentStatusMessage.verify(jws, key)
    return claims.jti === paymentId && claims.sub === context.address ? claims : undefined
  } catch (error) {
    if (signal?.aborted === true) throw error
    return undefined
  }
}

/**
 * Asks until the payment is no longer pending, nobody says so any more, or the deadline is over. Asking is cheap for both
 * sides and does nothing; the credential need not go out again before there is something to fetch with it.
 * @param deadline in milliseconds since the epoch.
 */
export async function awaitPayment(
  context: Context,
  payment: { origin: string; id: string; signal: AbortSignal | undefined; deadline: number },
): Promise<PaymentStatusMessage.Status | undefined> {
  const { origin, id, signal, deadline } = payment
  for (let delay = firstDelay; ; delay = Math.min(delay * 2, longestDelay)) {
    const status = (await paymentStatus(context, origin, id, signal))?.status
    if (status !== 'pending' || context.clock.now() + delay > deadline) return status
    await context.clock.wait(delay, signal)
  }
}
