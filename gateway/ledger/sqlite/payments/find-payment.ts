import type { Address, Hex } from 'viem'
import { PaymentNotFoundError } from '../../errors.ts'
import type { Payment } from '../../Payment.ts'
import type { Books } from '../Books.ts'
import { pastOfCall, pastOfKey, pastPayment } from '../history/find-past.ts'
import { sql } from '../sql.ts'
import { asItIs, booksOfPayment } from '../working-set/payments.ts'
import { type PaymentRow, toPayment } from './PaymentRow.ts'

const byKey = sql<[family: string, repeat: number], PaymentRow>`
  SELECT * FROM payments WHERE family = ? AND repeat = ?`
const byTransaction = sql<[string], PaymentRow>`
  SELECT * FROM payments WHERE tx = ? ORDER BY created_at, id LIMIT 1`
const byTransactionOf = sql<[transaction: string, wallet: string], PaymentRow>`
  SELECT * FROM payments WHERE tx = ? AND wallet = ? ORDER BY created_at, id LIMIT 1`
const byCall = sql<[family: string, fingerprint: string], PaymentRow>`
  SELECT * FROM payments WHERE family = ? AND fingerprint = ? AND repeat > 0 ORDER BY repeat DESC LIMIT 1`
const open = sql<[limit: number], PaymentRow>`
  SELECT * FROM payments WHERE open = 1 ORDER BY created_at, id LIMIT ?`
const orphaned = sql<[limit: number], PaymentRow>`
  SELECT * FROM payments WHERE open = 1 AND NOT EXISTS (SELECT 1 FROM instances WHERE instances.id = payments.owner)
  ORDER BY created_at, id LIMIT ?`

/** One payment, by its id, its exact key or the transaction that moved its money. */
export function findPayment(
  books: Books,
  by: { id: string } | { key: string } | { transaction: Hex; wallet?: Address },
): Payment | null {
  if ('id' in by) return booksOfPayment(books, by.id)?.payment ?? asPayment(pastPayment(books, by.id))
  if ('key' in by) return ofKey(books, by.key)
  const transaction = by.transaction.toLowerCase()
  const row =
    by.wallet === undefined
      ? books.get(byTransaction, transaction)
      : books.get(byTransactionOf, transaction, by.wallet.toLowerCase())
  return row === null ? null : toPayment(row)
}

/** One payment that must be there. */
export function needPayment(books: Books, id: string): Payment {
  const payment = findPayment(books, { id })
  if (payment === null) throw new PaymentNotFoundError(id)
  return payment
}

/** The latest payment for the same call under a voucher's key or one of its repeats. */
export function findRepeat(books: Books, family: string, fingerprint: string): Payment | null {
  const isSame = ({ payment }: { payment: Payment }) => payment.fingerprint === fingerprint
  const unwritten = books.rows.payments.unwritten(family)
  const latest = unwritten.findLast((row) => row.repeat > 0 && isSame(row))
  if (latest !== undefined) return latest.payment
  const row = books.load(byCall, family, fingerprint)
  const past = pastOfCall(books, family, fingerprint)
  if (past !== null && past.repeat > (row?.repeat ?? 0)) return toPayment(past)
  const payment = row === null ? ofRepeat(books, family, 0) : asItIs(books, row)
  return payment?.fingerprint === fingerprint ? payment : null
}

/** A key is that of its family, or of a repeat: `<family>#<repeat>`. What a caller named may look like one. */
function ofKey(books: Books, key: string): Payment | null {
  const first = ofRepeat(books, key, 0)
  const repeat = first === null ? /^(voucher:.+)#([1-9]\d{0,14})$/.exec(key) : null
  return repeat === null ? first : ofRepeat(books, String(repeat[1]), Number(repeat[2]))
}

/** What waits to be written is in memory alone. */
function ofRepeat(books: Books, family: string, repeat: number): Payment | null {
  const unwritten = books.rows.payments.unwritten(family).find((row) => row.repeat === repeat)
  if (unwritten !== undefined) return unwritten.payment
  const row = books.load(byKey, family, repeat)
  return row === null ? asPayment(pastOfKey(books, family, repeat)) : asItIs(books, row)
}

const asPayment = (past: PaymentRow | null) => (past === null ? null : toPayment(past))

/** Payments that have not ended, oldest first. */
export function openPayments(books: Books, limit: number): Payment[] {
  return books.all(open, limit).map(toPayment)
}

/** Payments that have not ended and that no living instance works on, oldest first. */
export function orphans(books: Books, limit: number): Payment[] {
  return books.all(orphaned, limit).map(toPayment)
}
