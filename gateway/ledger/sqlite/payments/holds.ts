import type { Asset } from '../../Asset.ts'
import { PaymentNotFoundError } from '../../errors.ts'
import type { Books } from '../Books.ts'
import { sql } from '../sql.ts'
import { booksOfPayment, setPayment } from '../working-set/payments.ts'
import { type Hold, holdsOf } from './Hold.ts'

const ofOpen = sql<[asset: string], { id: string; holds: string }>`
  SELECT id, holds FROM payments WHERE open = 1 AND asset = ? AND holds <> '[]' ORDER BY created_at, id`

/** What a payment holds: once for each account. */
export function holdsOfPayment(books: Books, payment: string): readonly Hold[] {
  return booksOfPayment(books, payment)?.holds ?? []
}

/** Payments that hold something in an asset, and what, oldest first. */
export function allHolds(books: Books, asset: Asset): { payment: string; holds: Hold[] }[] {
  return books.all(ofOpen, asset).map(({ id, holds }) => ({ payment: id, holds: holdsOf(holds) }))
}

/** Changes what a payment holds. What is to be reserved of the accounts is the caller's part. */
export function writeHolds(books: Books, payment: string, holds: readonly Hold[]): void {
  const row = booksOfPayment(books, payment)
  if (row === null) throw new PaymentNotFoundError(payment)
  setPayment(books, { ...row, holds: holds.filter(({ amount }) => amount > 0n) })
}
