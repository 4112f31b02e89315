import { type Call, init } from './Call.ts'
import type { Context } from './Context.ts'
import { PaymentUnknownError } from './errors.ts'
import * as Problem from './Problem.ts'
import { awaitPayment } from './payment-status.ts'

/**
 * How often one credential is sent, and for how long, before the outcome is called unknown. Who is told that the payment is
 * under way is answered in the end: only the time counts then.
 */
const attempts = 5
const patience = 60_000

/**
 * Sends a request that carries a credential until somebody says what became of it. The same credential and the same
 * `Idempotency-Key` every time, never a redirect followed: the credential stays at its origin. Once the payment has an id
 * the gateway is asked by it, and the credential goes out again when there is an answer to fetch.
 * @throws {PaymentUnknownError} no answer, or only answers that do not know.
 */
export async function deliver(
  context: Context,
  call: Call,
  headers: Record<string, string>,
): Promise<Response> {
  const deadline = context.clock.now() + patience
  let paymentId: string | undefined
  let cause: unknown
  for (let attempt = 1; ; attempt++) {
    let delay = 200 * 2 ** attempt
    let isRunning = false
    try {
      const paid = init(call, { ...headers, 'Idempotency-Key': call.idempotencyKey }, 'manual')
      const response = await context.fetch(call.url, paid)
      const problem = await undecided(response)
      if (problem === undefined) return response
      paymentId = problem.paymentId ?? paymentId
      isRunning = response.status === 409
      delay = Math.max(delay, retryAfter(response, context))
      await response.body?.cancel()
    } catch (error) {
      if (call.signal?.aborted === true) throw error
      cause = error
    }
    if ((attempt >= attempts && !isRunning) || context.clock.now() + delay > deadline) break
    await context.clock.wait(delay, call.signal)
    if (paymentId === undefined) continue
    const asked = { origin: call.url.origin, id: paymentId, signal: call.signal, deadline }
    if ((await awaitPayment(context, asked)) === 'pending') break
  }
  throw new PaymentUnknownError({
    message: `The payment for ${call.method} ${call.url.origin}${call.url.pathname} was sent and its outcome is not known.`,
    ...(paymentId === undefined ? {} : { paymentId }),
    idempotencyKey: call.idempotencyKey,
    cause,
  })
}

/** The problem, when the answer says that the payment is under way or that its outcome is not known. */
async function undecided(response: Response): Promise<Problem.Problem | undefined> {
  if (response.status === 409) return response.headers.has('retry-after') ? Problem.read(response) : undefined
  if (response.status !== 503) return undefined
  const problem = await Problem.read(response)
  return problem.paymentId === undefined ? undefined : problem
}

function retryAfter(response: Response, context: Context): number {
  const value = response.headers.get('retry-after') ?? ''
  if (/^\d{1,6}$/.test(value)) return Number(value) * 1000
  const date = Date.parse(value)
  return Number.isNaN(date) ? 0 : Math.max(0, date - context.clock.now())
}
