import { parse as parseOrder } from '../chain/ChargeOrder.ts'
import * as TokenCalls from '../chain/TokenCalls.ts'
import type { Payment } from '../ledger/Payment.ts'
import type { Reorg } from '../ledger/Reorg.ts'
import { chargeFate, refOf } from './charge-fate.ts'
import { isUnderWay, placeOf, type ReorgContext, sentAgain, shownBy, signedFor } from './reorg-context.ts'
import { judgeCharge } from './reorg-judge.ts'

/** Looks after a charge whose transaction is not where it was. */
export async function healCharge(context: ReorgContext, anchor: Reorg.Anchor): Promise<void> {
  const { ledger, chain, desk, fromBlock } = context
  const payment = await ledger.payment({ id: anchor.subject })
  if (payment === null || payment.settlement === null || desk.isBusy(payment.id)) return
  const order = parseOrder(payment.settlement)
  const { token, message } = order
  const ask = chain.evidence(token, message.value)
  const mined = await ask.receipt(anchor.ref.transaction)
  const log = mined?.status === 'succeeded' ? TokenCalls.executed(token, message, mined.logs) : null
  const shown = shownBy(mined, log, chain.depth(token, message.value))
  const fate = shown === 'nowhere' ? await chargeFate(chain, order, fromBlock) : null
  const affordable = shown !== 'nowhere' || (await ask.balanceOf(token, message.from)) >= message.value
  const verdict = judgeCharge(shown, fate?.status ?? null, affordable)

  if (verdict === 'stands' && mined !== null) {
    const ref = refOf(chain, order, mined)
    if (payment.money === 'reversed' && ref !== null) await restore(context, payment, ref)
    await ledger.reorg.seen([{ id: anchor.id, state: 'standing', ...placeOf(log) }])
  } else if (verdict === 'replace' && fate?.status === 'executed') {
    await replace(context, anchor, payment, fate.ref)
  } else if (verdict === 'reverse' && anchor.state === 'reversed') {
    const settledFor = (await ask.head()).number - anchor.ref.block >= BigInt(context.horizon)
    // It can never move. Should a deeper reorganisation show it all the same, the watcher finds it.
    if (fate?.status === 'impossible' && settledFor)
      await ledger.reorg.seen([{ id: anchor.id, state: 'final', reason: fate.reason }])
  } else if (verdict === 'reverse') {
    await reverse(context, anchor, fate?.status === 'impossible' ? fate.reason : 'payer-cannot-pay')
  } else if (verdict === 'resend') {
    await resend(context, anchor, payment)
  }
}

async function restore(
  { ledger, report }: ReorgContext,
  payment: Payment,
  ref: NonNullable<ReturnType<typeof refOf>>,
): Promise<void> {
  await ledger.settled({ paymentId: payment.id, ref, deliver: 'delivered' })
  report('info', 'reorg-restored', { payment: payment.id, transaction: ref.transaction })
}

async function replace(
  context: ReorgContext,
  anchor: Reorg.Anchor,
  payment: Payment,
  ref: NonNullable<ReturnType<typeof refOf>>,
): Promise<void> {
  const { ledger, report } = context
  if (payment.money === 'reversed') {
    await restore(context, payment, ref)
    await ledger.reorg.seen([{ id: anchor.id, state: 'final', reason: 'moved-in-another-transaction' }])
    return
  }
  await ledger.reorg.reversed({ anchor: anchor.id, reason: 'moved-in-another-transaction', again: ref })
  const before = anchor.ref.transaction
  report('info', 'reorg-replaced', { payment: payment.id, transaction: ref.transaction, before })
}

async function reverse(
  { ledger, report }: ReorgContext,
  anchor: Reorg.Anchor,
  reason: string,
): Promise<void> {
  await ledger.reorg.reversed({ anchor: anchor.id, reason })
  const { subject, amount, ref } = anchor
  report('error', 'reorg-reversed', { payment: subject, amount, transaction: ref.transaction, reason })
}

/** The very same transaction first: it is one, however often it is sent. Then the same authorization in a new one. */
async function resend(context: ReorgContext, anchor: Reorg.Anchor, payment: Payment): Promise<void> {
  const signed = await signedFor(context, anchor)
  const mined = await context.chain.receipt(anchor.ref.transaction)
  if (signed !== null && mined === null && (await sentAgain(context, signed.raw))) return
  if (await isUnderWay(context, payment.id)) return
  const outcome = await context.desk.resend(payment)
  if (outcome.status === 'settled') await replace(context, anchor, payment, outcome.ref)
  else if (outcome.status === 'refused' && anchor.state !== 'reversed')
    await reverse(context, anchor, outcome.reason)
}
