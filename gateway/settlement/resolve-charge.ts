import type { Chain } from '../chain/Chain.ts'
import { type ChargeOrder, parse as parseOrder } from '../chain/ChargeOrder.ts'
import type { Report } from '../chain/Report.ts'
import type { Ledger } from '../ledger/Ledger.ts'
import type { Payment } from '../ledger/Payment.ts'
import type { ChargeDesk } from './charge-desk.ts'
import { type ChargeFate, chargeFate, refOf } from './charge-fate.ts'
import { fateByTransfers } from './fate-by-transfers.ts'
import { wasReceived } from './was-received.ts'

/**
 * Finds out what became of a charge whose money is `settling` or `unknown`, and books it. True when it ended.
 *
 * | The chain says | Delivered, or the answer is stored | Nothing was delivered |
 * |---|---|---|
 * | executed | earned, `delivered` | made good: credit of the payer's wallet |
 * | cannot happen any more | `lost` when delivered, else void | void |
 * | can still happen, and a transaction of ours is out | asked again | asked again |
 * | can still happen, and nothing of ours is out | submitted again | void: the payer may use the same credential again |
 */
export async function resolveCharge(context: resolveCharge.Context, payment: Payment): Promise<boolean> {
  const { ledger, chain, desk, fromBlock, report } = context
  const order = parseOrder(payment.settlement)
  // Ours first, the chain second: a transaction that ends in between is then seen as executed, never as unsent.
  const intents = await ledger.intentsFor(payment.id)
  const fate =
    (await ownFate(context, order, intents)) ??
    (await fateByTransfers(context, order, await chargeFate(chain, order, fromBlock)))
  const stored = payment.delivery === 'delivered' || (await ledger.answer(payment.id)) !== null
  const ended = (what: string, reason: string | null) => {
    report('info', 'charge-resolved', { payment: payment.id, what, reason })
    return true
  }
  const settled = async (ref: Ledger.ChainRef) => {
    const deliver = stored ? 'delivered' : 'credit'
    const reason = stored ? {} : { reason: 'The money moved and the call was not delivered.' }
    await ledger.settled({ paymentId: payment.id, ref, deliver, ...reason })
    return ended(deliver, null)
  }
  const giveUp = async (reason: string) => {
    if (payment.delivery === 'held') await ledger.void(payment.id, reason)
    else await ledger.lost(payment.id, reason)
    return ended(payment.delivery === 'held' ? 'void' : 'lost', reason)
  }

  if (fate.status === 'executed')
    return (await wasReceived(context, order, fate.ref)) ? settled(fate.ref) : giveUp('transfer-not-received')
  if (fate.status === 'pending') return false
  if (intents.some(({ state }) => state === 'intended' || state === 'sent')) return false
  if (fate.status === 'impossible') return giveUp(fate.reason)
  if (!stored) return giveUp('The transfer was never sent.')
  const outcome = await desk.settle(payment)
  if (outcome.status === 'settled') return settled(outcome.ref)
  if (outcome.status === 'refused') return giveUp(outcome.reason)
  await ledger.unknown(payment.id, outcome.reason)
  return false
}

/** A transaction of ours that is known to be mined is asked for by its hash: a node that lags behind cannot hide it. */
async function ownFate(
  { chain, ledger }: Pick<resolveCharge.Context, 'chain' | 'ledger'>,
  order: ChargeOrder,
  intents: readonly Ledger.Intent[],
): Promise<ChargeFate | null> {
  for (const { id, state, raw } of intents) {
    if (state !== 'succeeded') continue
    let mined: Chain.Mined | null = null
    // Whichever attempt: a reorganisation may have put another one in its place.
    for (const { hash } of await ledger.attempts(id)) mined ??= await chain.receipt(hash)
    if (mined === null) {
      // A reorganisation took it out before it was booked. While no node refuses it, it comes back.
      const result = await chain.broadcast(raw)
      if (result === 'nonce-taken' || result === 'refused') continue
    }
    if (mined === null || mined.depth < chain.depth(order.token, order.message.value))
      return { status: 'pending', reason: 'not-deep-enough' }
    const ref = refOf(chain, order, mined)
    if (ref !== null) return { status: 'executed', ref }
  }
  return null
}

export declare namespace resolveCharge {
  type Context = { ledger: Ledger; chain: Chain; desk: ChargeDesk; fromBlock: bigint; report: Report }
}
