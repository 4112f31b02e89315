import type { Reorg } from '../ledger/Reorg.ts'
import { payoutOf, tokenOf } from './payout.ts'
import { placeOf, type ReorgContext, sentAgain, signedFor } from './reorg-context.ts'

/**
 * Looks after a payout that is not where it was. It is signed money: the very same transaction is sent again, and never
 * another one. Once that can never be mined, because it was reverted or its nonce is another's, the amount is credit of its
 * wallet again.
 */
export async function healWithdrawal(context: ReorgContext, anchor: Reorg.Anchor): Promise<void> {
  const { ledger, chain, report } = context
  const withdrawal = await ledger.withdrawals.withdrawal(anchor.subject)
  if (withdrawal === null) return
  const about = { withdrawal: withdrawal.id, transaction: anchor.ref.transaction }
  const ask = chain.evidence(tokenOf(withdrawal), withdrawal.amount)
  const signed = await signedFor(context, anchor)
  const attempts = signed === null ? [] : await ledger.attempts(signed.intent.id)
  const hashes = new Set([anchor.ref.transaction, ...attempts.map(({ hash }) => hash)])
  for (const hash of hashes) {
    const mined = await ask.receipt(hash)
    if (mined === null) continue
    if (mined.depth < chain.confirmations) return
    const payout = payoutOf(chain, withdrawal, mined)
    if (payout.status === 'nothing') return giveBack(context, anchor, 'its transaction was reverted')
    const same = payout.status === 'paid' || payout.left === anchor.amount
    if (same && hash === anchor.ref.transaction)
      return ledger.reorg.seen([{ id: anchor.id, state: 'standing', ...placeOf(payout.ref) }])
    if (payout.status !== 'paid') return report('error', 'payout-missing', about)
    await ledger.withdrawals.moved(withdrawal.id, payout.ref, anchor.id)
    return report('info', 'reorg-replaced', { ...about, now: hash })
  }
  if (signed === null) return report('error', 'payout-missing', about)
  const deep = (await ask.head()).number - BigInt(chain.confirmations) + 1n
  if (deep >= 0n && (await ask.sent(signed.intent.from, deep)) > signed.intent.nonce)
    return giveBack(context, anchor, 'its nonce was used by another transaction')
  if (!(await sentAgain(context, signed.raw))) report('error', 'payout-missing', about)
}

async function giveBack(
  { ledger, report, fromBlock, horizon }: ReorgContext,
  anchor: Reorg.Anchor,
  why: string,
): Promise<void> {
  const { id, subject, amount, ref } = anchor
  const back = ref.block - BigInt(horizon)
  const reason = `The chain took it back: ${why}.`
  await ledger.withdrawals.returned(subject, {
    anchor: id,
    from: back < fromBlock ? fromBlock : back,
    reason,
  })
  report('error', 'payout-reversed', { withdrawal: subject, amount, transaction: ref.transaction, reason })
}
