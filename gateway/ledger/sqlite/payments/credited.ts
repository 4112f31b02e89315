import type { Books } from '../Books.ts'
import { pastCredit } from '../history/find-past.ts'
import { sql } from '../sql.ts'

const given = sql<[payment: string], { amount: string }>`
  SELECT amount FROM transfers WHERE payment_id = ? AND kind IN ('credit', 'refund')`

/** Base units of a payment that became credit of the payer's wallet. */
export function creditedOf(books: Books, paymentId: string): bigint {
  const sum = books.all(given, paymentId).reduce((sum, { amount }) => sum + BigInt(amount), 0n)
  return sum === 0n ? pastCredit(books, paymentId) : sum
}
