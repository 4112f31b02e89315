import * as Account from '../../Account.ts'
import { ChainReferenceError, WithdrawalStateError } from '../../errors.ts'
import type { Ledger } from '../../Ledger.ts'
import type { PayResult, State, Withdrawal } from '../../Withdrawal.ts'
import { post } from '../accounts/post.ts'
import { readAccount } from '../accounts/read-account.ts'
import { writeAccount } from '../accounts/write-account.ts'
import type { Books } from '../Books.ts'
import { entryByRef } from '../chain/entries.ts'
import { intentsFor } from '../chain/intents.ts'
import { collect } from '../reorg/debt.ts'
import { sql } from '../sql.ts'
import { findWithdrawal, needWithdrawal } from './find-withdrawal.ts'

const save = sql<[state: string, tx: string | null, reason: string | null, at: number, id: string]>`
  UPDATE withdrawals SET state = ?, tx = ?, reason = ?, updated_at = ? WHERE id = ?`
const leaving = sql<[asset: string], { amount: string }>`
  SELECT amount FROM withdrawals INDEXED BY withdrawals_open
  WHERE open = 1 AND asset = ? AND state IN ('paying', 'unknown')`

/** The operator lets one go that is held. */
export function approve(books: Books, id: string, now: number): Withdrawal | null {
  const withdrawal = findWithdrawal(books, id)
  if (withdrawal?.state !== 'held-for-operator') return withdrawal
  return move(books, withdrawal, 'requested', { reason: null, at: now })
}

/** The operator refuses one that nobody pays yet. */
export function reject(books: Books, id: string, reason: string): Withdrawal | null {
  const withdrawal = findWithdrawal(books, id)
  if (withdrawal?.state !== 'held-for-operator' && withdrawal?.state !== 'requested') return withdrawal
  release(books, withdrawal)
  return move(books, withdrawal, 'failed', { reason })
}

/** Takes one to pay it: once, and only when what has arrived and is not on its way out covers it. */
export function pay(books: Books, id: string): PayResult {
  const withdrawal = needWithdrawal(books, id)
  if (withdrawal.state !== 'requested') return { outcome: 'taken' }
  if (readAccount(books, Account.debt(withdrawal.wallet), withdrawal.asset).posted < 0n) {
    // What the chain took back since it was asked for is owed: the credit pays that first.
    release(books, withdrawal)
    move(books, withdrawal, 'failed', { reason: 'The wallet owes what a reorganisation took back.' })
    collect(books, withdrawal.wallet, withdrawal.asset)
    return { outcome: 'taken' }
  }
  const { posted } = readAccount(books, Account.treasury, withdrawal.asset)
  const out = books.all(leaving, withdrawal.asset).reduce((sum, { amount }) => sum + BigInt(amount), 0n)
  const available = -posted - out
  if (available < withdrawal.amount) return { outcome: 'short', available }
  return { outcome: 'paying', withdrawal: move(books, withdrawal, 'paying', { reason: null }) }
}

/** Nothing of its payout was sent or can be mined. */
export function wait(books: Books, id: string, reason: string): Withdrawal {
  const withdrawal = needWithdrawal(books, id)
  if (withdrawal.state === 'requested') return withdrawal
  need(withdrawal, 'wait', ['paying', 'unknown'])
  if (intentsFor(books, id).some(({ state }) => state !== 'dropped' && state !== 'reverted'))
    throw new WithdrawalStateError('wait', withdrawal, 'a transaction of it may be out')
  return move(books, withdrawal, 'requested', { reason })
}

/** The chain did not answer in time. */
export function unknown(books: Books, id: string, reason: string): Withdrawal {
  const withdrawal = needWithdrawal(books, id)
  if (withdrawal.state === 'unknown') return withdrawal
  need(withdrawal, 'unknown', ['paying'])
  return move(books, withdrawal, 'unknown', { reason })
}

/** Its transfer is on chain. The same movement again changes nothing. */
export function paid(books: Books, id: string, ref: Ledger.ChainRef): Withdrawal {
  const withdrawal = needWithdrawal(books, id)
  const booked = entryByRef(books, ref)
  if (booked !== null && booked.withdrawal_id === id) return withdrawal
  if (booked !== null)
    throw new ChainReferenceError(
      ref,
      `is booked for ${booked.payment_id ?? booked.channel_id ?? booked.withdrawal_id}`,
    )
  need(withdrawal, 'paid', ['paying', 'unknown'])
  release(books, withdrawal)
  post(books, {
    debit: Account.wallet(withdrawal.wallet),
    credit: Account.treasury,
    asset: withdrawal.asset,
    amount: withdrawal.amount,
    kind: 'withdrawal',
    withdrawal: withdrawal.id,
    ref,
    at: books.clock.now(),
  })
  return move(books, withdrawal, 'paid', { reason: null, tx: ref.transaction.toLowerCase() })
}

/** Nothing moved and nothing can. */
export function fail(books: Books, id: string, reason: string): Withdrawal {
  const withdrawal = needWithdrawal(books, id)
  if (withdrawal.state === 'failed') return withdrawal
  need(withdrawal, 'fail', ['requested', 'held-for-operator', 'paying', 'unknown'])
  if (intentsFor(books, id).some(({ state }) => state === 'intended' || state === 'sent'))
    throw new WithdrawalStateError('fail', withdrawal, 'a transaction of it may be out')
  release(books, withdrawal)
  return move(books, withdrawal, 'failed', { reason })
}

/** What it reserved is available again; where it was paid, the transfer follows in the same step. */
export function release(books: Books, { wallet, asset, amount }: Withdrawal): void {
  const account = Account.wallet(wallet)
  const balance = readAccount(books, account, asset)
  writeAccount(books, account, asset, { ...balance, pending: balance.pending - amount })
}

function need(withdrawal: Withdrawal, operation: string, from: State[]): void {
  if (!from.includes(withdrawal.state))
    throw new WithdrawalStateError(operation, withdrawal, `it must be ${from.join(' or ')}`)
}

function move(
  books: Books,
  withdrawal: Withdrawal,
  state: State,
  change: { reason: string | null; tx?: string; at?: number },
): Withdrawal {
  books.run(save, state, change.tx ?? null, change.reason, change.at ?? books.clock.now(), withdrawal.id)
  return needWithdrawal(books, withdrawal.id)
}
