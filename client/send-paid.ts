import type { Call } from './Call.ts'
import type { Context } from './Context.ts'
import { deliver } from './deliver.ts'
import { PaymentUnknownError } from './errors.ts'

/** How many unanswered requests are kept for repeating. */
const maxKept = 1_000

/**
 * Delivers a paid request and settles its answer. When no answer comes the request is kept, so that a later call with
 * the same `Idempotency-Key` sends the same credential instead of signing another.
 */
export async function sendPaid<result extends Response | { response: Response }>(
  context: Context,
  call: Call,
  headers: Record<string, string>,
  settle: (response: Response) => Promise<result>,
): Promise<result> {
  const paid = { ...bearerAside(call, headers), ...headers }
  const run = async (again: Call) => {
    const response = await deliver(context, again, paid)
    context.unknown.delete(call.idempotencyKey)
    return settle(response)
  }
  try {
    return await run(call)
  } catch (error) {
    if (error instanceof PaymentUnknownError || call.signal?.aborted === true)
      keep(context, call, async (signal) => {
        const result = await run({ ...call, signal })
        return result instanceof Response ? result : result.response
      })
    throw error
  }
}

function keep(
  context: Context,
  call: Call,
  resume: (signal: AbortSignal | undefined) => Promise<Response>,
): void {
  const oldest = context.unknown.keys().next()
  if (context.unknown.size >= maxKept && !oldest.done) context.unknown.delete(oldest.value)
  context.unknown.set(call.idempotencyKey, { url: call.url.href, method: call.method, resume })
}

/** The caller's bearer token moves to `Farthing-Session` when `Authorization` carries the payment. */
function bearerAside(call: Call, headers: Record<string, string>): Record<string, string> {
  const token = /^bearer +(\S+)$/i.exec(call.headers.get('Authorization') ?? '')?.[1]
  return token === undefined || headers.Authorization === undefined ? {} : { 'Farthing-Session': token }
}
