import type { Deps } from '../deps.ts'
import type { Delivered } from '../ledger/Payment.ts'
import type { Called } from './call-target.ts'
import { type Receipted, receiptHeaders } from './receipt.ts'
import type { Answer } from './sealed-answer.ts'

/** What is done when a released stream has ended, and how far it got: whole or given up by the caller, or broken off. */
export type Watch = {
  whole(delivered: Delivered): Promise<void>
  broken(delivered: Delivered): Promise<void>
}

/** Releases an answer that is held in memory. */
export function respond(answer: Answer, receipted: Receipted, deps: Deps): Response {
  const headers = withReceipt(answer.headers, receipted, deps)
  const body = answer.body.byteLength === 0 ? null : new Uint8Array(answer.body)
  return new Response(body, { status: answer.status, headers })
}

/** Releases a stream, and books how it ended. */
export function stream(called: Called, receipted: Receipted, watch: Watch, deps: Deps): Response {
  const { body, passed } = counted(called.body)
  const booked = called.done.then((end) => {
    const whole = end.outcome === 'complete'
    const delivered = { bytes: whole ? end.bytes : passed(), whole }
    // A caller that hung up before the first byte has had nothing.
    const nothing = end.outcome === 'cancelled' && delivered.bytes === 0
    return end.outcome === 'broken' || nothing ? watch.broken(delivered) : watch.whole(delivered)
  })
  booked
    .catch((error: unknown) => {
      deps.abandoned.add(receipted.payment.id)
      deps.log.error({ err: error, payment: receipted.payment.id }, 'stream not booked')
    })
    .finally(() => deps.waiting.wake(receipted.payment.id))
  return new Response(body, {
    status: called.status,
    headers: withReceipt(called.headers, receipted, deps),
  })
}

/** Releases a stored answer once more. */
export function respondAgain(answer: Answer, receipted: Receipted, deps: Deps): Response {
  const response = respond(answer, receipted, deps)
  response.headers.set('farthing-replayed', 'true')
  return response
}

/** A stream that counts what was taken from it. What the upstream sent and nobody took has not left. */
function counted(body: Called['body']): { body: Called['body']; passed(): number } {
  if (body === null) return { body, passed: () => 0 }
  const reader = body.getReader()
  let bytes = 0
  const stream = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const { done, value } = await reader.read()
        if (done) return controller.close()
        bytes += value.byteLength
        controller.enqueue(value)
      },
      cancel: (reason) => reader.cancel(reason),
    },
    { highWaterMark: 0 },
  )
  return { body: stream, passed: () => bytes }
}

function withReceipt(headers: Headers, receipted: Receipted, deps: Deps): Headers {
  const all = new Headers(headers)
  for (const [name, value] of Object.entries(receiptHeaders(receipted, deps))) all.set(name, value)
  return all
}
