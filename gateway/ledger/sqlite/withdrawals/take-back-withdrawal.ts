import * as Account from '../../Account.ts'
import * as Amount from '../../Amount.ts'
import { ChainReferenceError, LedgerIntegrityError, WithdrawalStateError } from '../../errors.ts'
import type { Ledger } from '../../Ledger.ts'
import type { Resolution, Returned, State, Withdrawal } from '../../Withdrawal.ts'
import { post } from '../accounts/post.ts'
import { readAccount } from '../accounts/read-account.ts'
import type { Books } from '../Books.ts'
import { stepBack } from '../chain/cursor.ts'
import { entryByRef } from '../chain/entries.ts'
import { intentsFor } from '../chain/intents.ts'
import { findAnchor, seen } from '../reorg/anchors.ts'
import { collect } from '../reorg/debt.ts'
import { sql } from '../sql.ts'
import { needWithdrawal } from './find-withdrawal.ts'
import { release } from './move-withdrawal.ts'

type Entry = { id: number; amount: string }

const ofTransaction = sql<[chain: number, tx: string, withdrawal: string], Entry>`
  SELECT id, amount FROM transfers
  WHERE chain_id = ? AND tx = ? AND withdrawal_id = ? AND kind = 'withdrawal' AND reversed_by IS NULL`
const strike = sql<[by: number, id: number]>`UPDATE transfers SET reversed_by = ? WHERE id = ?`
const save = sql<
  [state: string, tx: string | null, reason: string | null, moved: string | null, at: number, id: string]
>`
  UPDATE withdrawals SET state = ?, tx = ?, reason = ?, moved = ?, updated_at = ?, taken_back = taken_back + 1
  WHERE id = ?`

/** Its payout is gone and can never be mined: the amount is credit again. What the wallet owes is paid from it first. */
export function returned(books: Books, id: string, { anchor: anchorId, from, reason }: Returned): Withdrawal {
  const withdrawal = needWithdrawal(books, id)
  const anchor = findAnchor(books, anchorId)
  if (anchor?.subject !== id || anchor.state === 'final') return withdrawal
  seen(books, [{ id: anchorId, state: 'reversed', reason }])
  const { chainId, transaction } = anchor.ref
  stepBack(books, chainId, from)
  const entry = books.get(ofTransaction, chainId, transaction, id)
  if (entry === null) return withdrawal
  const by = post(books, {
    debit: Account.treasury,
    credit: Account.wallet(withdrawal.wallet),
    asset: withdrawal.asset,
    amount: BigInt(entry.amount),
    kind: 'reversal',
    withdrawal: id,
    at: books.clock.now(),
  })
  books.run(strike, by ?? 0, entry.id)
  collect(books, withdrawal.wallet, withdrawal.asset)
  return withdrawal.transaction === transaction ? move(books, withdrawal, 'failed', { reason }) : withdrawal
}

/**
 * Its payout is on chain after all: after the withdrawal had failed, while another one of it was about to be sent, or a
 * second time. The wallet has it, so it is taken from its credit as far as that goes; the rest is debt. `instead`: the anchor
 * of the transaction whose place it took.
 */
export function moved(books: Books, id: string, ref: Ledger.ChainRef, instead?: number): Withdrawal {
  const booked = entryByRef(books, ref)
  if (booked !== null && booked.withdrawal_id !== id)
    throw new ChainReferenceError(ref, `is booked for ${booked.payment_id ?? booked.channel_id}`)
  if (booked !== null) return needWithdrawal(books, id)
  const reason = 'Another transaction took its place.'
  if (instead !== undefined) returned(books, id, { anchor: instead, from: ref.block, reason })
  const withdrawal = needWithdrawal(books, id)
  const { wallet, asset, amount, state } = withdrawal
  if (state !== 'paid' && state !== 'failed') release(books, withdrawal)
  const { posted, pending } = readAccount(books, Account.wallet(wallet), asset)
  const lacking = Amount.greater(amount - (posted - pending), 0n)
  payOut(books, withdrawal, { amount, ref, advance: { from: Account.debt(wallet), amount: lacking } })
  if (state === 'paid') return withdrawal
  return move(books, withdrawal, 'paid', { tx: ref.transaction.toLowerCase(), reason: null })
}

/**
 * An operator says what a payout counts for that moved something other than was asked for. `paid` of it is the wallet's, and
 * what it asked for beyond that is its credit again; what left the treasury beyond it is lost.
 */
export function resolve(books: Books, id: string, { paid, left, ref, note }: Resolution): Withdrawal {
  const withdrawal = needWithdrawal(books, id)
  if (entryByRef(books, ref)?.withdrawal_id === id) return withdrawal
  if (withdrawal.state !== 'unknown' && withdrawal.state !== 'paying')
    throw new WithdrawalStateError('resolve', withdrawal, 'it must be paying or unknown')
  if (intentsFor(books, id).some(({ state }) => state === 'intended' || state === 'sent'))
    throw new WithdrawalStateError('resolve', withdrawal, 'a transaction of it may be out')
  if (Amount.check(paid) > withdrawal.amount || paid > Amount.check(left) || left === 0n)
    throw new WithdrawalStateError(
      'resolve',
      withdrawal,
      `${paid} of it cannot count as paid: it is for ${withdrawal.amount}, and ${left} has left`,
    )
  release(books, withdrawal)
  payOut(books, withdrawal, { amount: left, ref, advance: { from: Account.loss, amount: left - paid } })
  const tx = paid > 0n ? { tx: ref.transaction.toLowerCase() } : {}
  return move(books, withdrawal, paid > 0n ? 'paid' : 'failed', { ...tx, reason: note, moved: String(left) })
}

/** One entry for what left, so that it can be compared with the chain; what the wallet does not pay is put in first. */
function payOut(
  books: Books,
  { id, wallet, asset }: Withdrawal,
  out: { amount: bigint; ref: Ledger.ChainRef; advance: { from: Account.Account; amount: bigint } },
): void {
  const credit = Account.wallet(wallet)
  const base = { asset, withdrawal: id, at: books.clock.now() }
  const { from, amount } = out.advance
  const arrived = -readAccount(books, Account.treasury, asset).posted
  if (arrived < out.amount)
    throw new LedgerIntegrityError(`${out.amount} cannot have left for "${id}": ${arrived} has arrived`)
  post(books, { ...base, debit: from, credit, amount, kind: 'advance' })
  const entry = { ...base, debit: credit, credit: Account.treasury, amount: out.amount } as const
  post(books, { ...entry, kind: 'withdrawal', ref: out.ref })
}

function move(
  books: Books,
  { id }: Withdrawal,
  state: State,
  change: { tx?: string; reason: string | null; moved?: string },
): Withdrawal {
  const { tx = null, reason, moved = null } = change
  books.run(save, state, tx, reason, moved, books.clock.now(), id)
  return needWithdrawal(books, id)
}
