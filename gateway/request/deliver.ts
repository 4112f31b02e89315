import type { Deps } from '../deps.ts'
import type { Payment } from '../ledger/Payment.ts'
import type { Route } from '../routes/Route.ts'
import { keptOf, lengthOf } from './broken-stream.ts'
import { type Called, callTarget } from './call-target.ts'
import type { Claimed } from './claim.ts'
import { deliverCharge } from './deliver-charge.ts'
import type { Outgoing } from './Outgoing.ts'
import type { Priced } from './price.ts'
import { respond, stream, type Watch } from './respond.ts'
import { seal } from './sealed-answer.ts'
import { takeAnswer } from './take-answer.ts'

/** Makes the paid call and charges for it, by the rail's rules. Then whoever waits for it looks again. */
export async function deliver(claimed: Claimed, deps: Deps): Promise<Outgoing> {
  try {
    return claimed.paying.rail === 'charge'
      ? await deliverCharge(claimed, claimed.paying, deps)
      : await deliverHeld(claimed, deps)
  } catch (error) {
    // Mostly the books say by now how it ended; not when they were out of reach themselves.
    deps.abandoned.add(claimed.payment.id)
    throw error
  } finally {
    deps.waiting.wake(claimed.payment.id)
  }
}

/** A free call: through the same path, with nothing to claim. */
export async function deliverFree(priced: Priced, deps: Deps): Promise<Outgoing> {
  const identity = priced.signedIn === null ? {} : { 'x-farthing-wallet': priced.signedIn }
  const called = await callTarget(priced, identity, deps)
  return { status: called.status, headers: called.headers, body: called.body }
}

/**
 * Channel and balance: the money is held, so nothing has to be settled first. It is charged before the first byte
 * leaves (a call that was served is always booked), and given back when the stream breaks, as far as the route says.
 *
 * | The process dies | Then |
 * |---|---|
 * | before `capture` | the hold is voided at the next start; nothing was delivered |
 * | after `capture` with a stored answer | the same credential gets the stored answer |
 * | after `capture`, inside a stream | the payment is given back at the next start |
 */
async function deliverHeld(claimed: Claimed, deps: Deps): Promise<Outgoing> {
  const { payment } = claimed
  const { ledger, config, keys } = deps
  const taken = await voidIfThrown(claimed, deps, async () => {
    const called = await callTarget(claimed, identityOf(claimed), deps)
    if (!isCharged(called)) return { called, answer: null }
    return { called, answer: await takeAnswer(called, config.limits.storedAnswerBytes) }
  })
  const { called, answer } = taken
  if (!isCharged(called)) return uncharged(claimed, called, deps)
  const captured = await ledger
    .capture({
      paymentId: payment.id,
      amount: payment.amount,
      ...(answer === null ? {} : { answer: seal(answer, payment.id, keys.answer) }),
    })
    .catch((error: unknown) => {
      called.cancel()
      throw error
    })
  // The numbers of the receipt are those after this call.
  const channel = claimed.channel === null ? null : await ledger.channel(claimed.channel.id)
  const receipted = { ...claimed, payment: captured, channel }
  return answer === null
    ? stream(called, receipted, watchOf(captured, called, claimed.route, deps), deps)
    : respond(answer, receipted, deps)
}

/**
 * What happens to a charged payment when its stream ends. A caller that hangs up has had what it wanted; when the
 * upstream breaks off, the route's rule says what is kept.
 */
export function watchOf(
  { id, charged }: Payment,
  { headers }: Pick<Called, 'headers'>,
  { brokenStream }: Pick<Route, 'brokenStream'>,
  { ledger }: Pick<Deps, 'ledger'>,
): Watch {
  const length = lengthOf(headers)
  return {
    whole: async (delivered) => void (await ledger.complete(id, delivered)),
    async broken(delivered) {
      const kept = keptOf(brokenStream, charged, delivered.bytes, length)
      if (kept === charged) await ledger.complete(id, delivered)
      else await ledger.refund(id, 'The answer broke off.', { amount: charged - kept, delivered })
    },
  }
}

/** Only success is charged: an error answer is passed on, and costs nothing. */
export function isCharged(called: Pick<Called, 'status'>): boolean {
  return called.status < 400
}

/** Releases the hold and passes the error answer on. */
export async function uncharged(claimed: Claimed, called: Called, { ledger }: Deps): Promise<Outgoing> {
  await ledger.void(claimed.payment.id, `The upstream answered ${called.status}.`)
  return { status: called.status, headers: called.headers, body: called.body }
}

/** Does work that may fail before anything was charged; a failure releases the hold. */
export async function voidIfThrown<T>(
  claimed: Claimed,
  { ledger }: Deps,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work()
  } catch (error) {
    await ledger.void(claimed.payment.id, error instanceof Error ? error.message : 'The call failed.')
    throw error
  }
}

/** What the upstream is told about the caller. A top-up is about the wallet that pays, whoever is signed in. */
export function identityOf({ payment, signedIn, route }: Claimed): Record<string, string> {
  return {
    'x-farthing-wallet': route.earns === 'payer' ? payment.wallet : (signedIn ?? payment.wallet),
    'x-farthing-call': payment.id,
    'x-farthing-rail': payment.rail,
    'x-farthing-amount': payment.amount.toString(),
  }
}
