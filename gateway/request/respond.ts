import type { Deps } from '../deps.ts'
import type { Delivered } from '../ledger/Payment.ts'
import { tapped } from '../upstream/Source.ts'
import type { Called } from './call-target.ts'
import type { Outgoing } from './Outgoing.ts'
import { type Receipted, receiptHeaders } from './receipt.ts'
import type { Answer } from './sealed-answer.ts'

/** What is done when a released stream has ended, and how far it got: whole or given up by the caller, or broken off. */
export type Watch = {
  whole(delivered: Delivered): Promise<void>
  broken(delivered: Delivered): Promise<void>
}

/** Releases an answer that is held in memory. */
export async function respond(answer: Answer, receipted: Receipted, deps: Deps): Promise<Outgoing> {
  const headers = [...answer.headers, ...(await receiptHeaders(receipted, deps))]
  return { status: answer.status, headers, body: answer.body.byteLength === 0 ? null : answer.body }
}

/** Releases a stream, and books how it ended. */
export async function stream(
  called: Called,
  receipted: Receipted,
  watch: Watch,
  deps: Deps,
): Promise<Outgoing> {
  // What the upstream sent and nobody took has not left.
  let passed = 0
  const body =
    called.body === null
      ? null
      : tapped(called.body, (chunk) => {
          passed += chunk.byteLength
        })
  const booked = called.done.then((end) => {
    const whole = end.outcome === 'complete'
    const delivered = { bytes: whole ? end.bytes : passed, whole }
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
  const headers = [...called.headers, ...(await receiptHeaders(receipted, deps))]
  return { status: called.status, headers, body }
}

/** Releases a stored answer once more. */
export async function respondAgain(answer: Answer, receipted: Receipted, deps: Deps): Promise<Outgoing> {
  const again = await respond(answer, receipted, deps)
  again.headers.push('farthing-replayed', 'true')
  return again
}
