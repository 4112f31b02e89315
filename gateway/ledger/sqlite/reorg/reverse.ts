import type { Hex } from 'viem'
import * as Account from '../../Account.ts'
import { LedgerIntegrityError } from '../../errors.ts'
import type { Ledger } from '../../Ledger.ts'
import type { Payment } from '../../Payment.ts'
import type { Reorg } from '../../Reorg.ts'
import { post } from '../accounts/post.ts'
import type { Books } from '../Books.ts'
import { needPayment } from '../payments/find-payment.ts'
import { savePayment } from '../payments/save-payment.ts'
import { sql } from '../sql.ts'
import { findAnchor, seen } from './anchors.ts'
import { collect, takeBack } from './debt.ts'

type Entry = { id: number; kind: string; credit: Account.Account; amount: string }

const ofPayment = sql<[payment: string], Entry>`
  SELECT id, kind, credit, amount FROM transfers
  WHERE payment_id = ? AND tx IS NOT NULL AND reversed_by IS NULL ORDER BY id DESC LIMIT 1`
const strike = sql<[by: number, id: number]>`UPDATE transfers SET reversed_by = ? WHERE id = ?`
const mark = sql<[reversed: number, id: string]>`UPDATE payments SET reversed = ? WHERE id = ?`

/** Takes a movement back that the chain does not have, or puts the one in its place that it has instead. */
export function reversed(books: Books, { anchor: id, reason, again }: Reorg.Reversal): void {
  const anchor = findAnchor(books, id)
  if (anchor === null || anchor.state === 'final') return
  if (anchor.kind === 'charge') reverseCharge(books, anchor, reason, again)
  else throw new LedgerIntegrityError(`a ${anchor.kind} cannot be taken back alone`)
  seen(books, [{ id, state: again === undefined ? 'reversed' : 'final', reason }])
}

/**
 * | It had become | Taken from |
 * |---|---|
 * | earnings of a route | debt of the payer, who was served |
 * | credit of the payer's wallet, also by a refund | that credit, as far as it is there; the rest is debt |
 * | the recovery of a loss | the loss, which is one again |
 */
function reverseCharge(
  books: Books,
  anchor: Reorg.Anchor,
  reason: string,
  again: Ledger.ChainRef | undefined,
): void {
  const payment = needPayment(books, anchor.subject)
  const entry = books.get(ofPayment, payment.id)
  if (entry !== null && payment.money !== 'reversed') {
    const amount = BigInt(entry.amount)
    const base = { asset: payment.asset, payment: payment.id, at: books.clock.now() }
    const taking = { ...base, credit: Account.treasury, kind: 'reversal', amount } as const
    const back = { ...base, wallet: payment.wallet, amount }
    const by =
      entry.kind === 'recovery'
        ? post(books, { ...taking, debit: Account.loss })
        : entry.kind === 'charge' && entry.credit.startsWith('revenue:') && payment.charged > 0n
          ? post(books, { ...taking, debit: Account.debt(payment.wallet) })
          : takeBack(books, back)
    books.run(strike, by ?? 0, entry.id)
    if (entry.kind === 'recovery')
      savePayment(books, payment, { charged: 0n, money: 'lost', transaction: null, reason })
    else {
      savePayment(books, payment, { reason })
      markReversed(books, payment.id, true)
    }
  }
  if (again !== undefined) restoreCharge(books, needPayment(books, payment.id), again, anchor.amount)
}

/** The money arrived after all: it is credit of the payer, and pays what the payer owes first. */
export function restoreCharge(books: Books, payment: Payment, ref: Ledger.ChainRef, amount: bigint): Payment {
  const { id, wallet, asset } = payment
  post(books, {
    debit: Account.treasury,
    credit: Account.wallet(wallet),
    asset,
    amount,
    kind: 'restore',
    payment: id,
    ref,
    at: books.clock.now(),
  })
  markReversed(books, id, false)
  collect(books, wallet, asset)
  const now = needPayment(books, id)
  return savePayment(books, now, { transaction: ref.transaction.toLowerCase() as Hex, reason: null })
}

function markReversed(books: Books, id: string, reversed: boolean): void {
  books.run(mark, Number(reversed), id)
  books.rows.payments.drop(id)
}
