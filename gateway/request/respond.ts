import type { Deps } from '../deps.ts'
import type { Called } from './call-target.ts'
import { type Receipted, receiptHeaders } from './receipt.ts'
import type { Answer } from './sealed-answer.ts'

/** What is done when a released stream has ended. */
export type Watch = { whole(): Promise<void>; broken(): Promise<void> }

/** Releases an answer that is held in memory. */
export function respond(answer: Answer, receipted: Receipted, deps: Deps): Response {
  const headers = withReceipt(answer.headers, receipted, deps)
  const body = answer.body.byteLength === 0 ? null : new Uint8Array(answer.body)
  return new Response(body, { status: answer.status, headers })
}

/** Releases a stream, and books how it ended. */
export function stream(called: Called, receipted: Receipted, watch: Watch, deps: Deps): Response {
  const booked = called.done.then((end) => {
    // A caller that hung up before the first byte has had nothing.
    const nothing = end.outcome === 'cancelled' && end.bytes === 0
    return end.outcome === 'broken' || nothing ? watch.broken() : watch.whole()
  })
  booked.catch((error: unknown) =>
    deps.log.error({ err: error, payment: receipted.payment.id }, 'stream not booked'),
  )
  return new Response(called.body, {
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

function withReceipt(headers: Headers, receipted: Receipted, deps: Deps): Headers {
  const all = new Headers(headers)
  for (const [name, value] of Object.entries(receiptHeaders(receipted, deps))) all.set(name, value)
  return all
}
