import { PaymentNotFoundError } from '../../errors.ts'
import type { StoredAnswer } from '../../Payment.ts'
import type { Books } from '../Books.ts'
import { sql } from '../sql.ts'
import { booksOfPayment } from '../working-set/payments.ts'

const find = sql<[payment: string], { sealed: Uint8Array }>`SELECT sealed FROM answers WHERE payment_id = ?`
const remove = sql<[payment: string]>`DELETE FROM answers WHERE payment_id = ?`
const forget = sql<[before: number, limit: number]>`
  DELETE FROM answers WHERE payment_id IN (
    SELECT answers.payment_id FROM answers CROSS JOIN payments ON payments.id = answers.payment_id
    WHERE answers.stored_at < ? AND payments.open = 0 LIMIT ?
  )`
/** Kept by triggers, and by what writes new ones. */
const stored = sql<[], { bytes: number }>`SELECT bytes FROM answers_stored WHERE id = 1`
const oldest = sql<[limit: number], { payment: string; bytes: number }>`
  SELECT answers.payment_id AS payment, length(answers.sealed) AS bytes
  FROM answers CROSS JOIN payments ON payments.id = answers.payment_id
  WHERE answers.stored_at >= 0 AND payments.open = 0 ORDER BY answers.stored_at LIMIT ?`

/** The answer kept for a payment. */
export function findAnswer(books: Books, payment: string): StoredAnswer | null {
  const row = books.rows.answers.get(payment) ?? books.load(find, payment)
  return row === null ? null : { sealed: new Uint8Array(row.sealed) }
}

/** Keeps an answer, where there is one; a later one replaces it. */
export function keepAnswer(books: Books, payment: string, answer: StoredAnswer | undefined): void {
  if (answer === undefined) return
  books.rows.answers.set(payment, { sealed: answer.sealed, at: books.clock.now() })
  books.writes++
}

/** Keeps an answer of a payment in the table: its row refers to that one. @throws {PaymentNotFoundError} */
export function storeAnswer(books: Books, payment: string, answer: StoredAnswer): void {
  if (booksOfPayment(books, payment) === null) throw new PaymentNotFoundError(payment)
  keepAnswer(books, payment, answer)
}

/** Nothing was delivered after all: what is kept must not be given to anyone. */
export function removeAnswer(books: Books, payment: string): void {
  // Mostly there is none, and then nothing that waits has to be written for it.
  if (findAnswer(books, payment) !== null) books.run(remove, payment)
}

/** Removes up to `limit` answers stored before a time, of payments that have ended. Returns how many. */
export function forgetAnswers(books: Books, before: number, limit: number): number {
  return books.run(forget, before, limit)
}

/** Removes up to `limit` of the oldest answers of payments that have ended, while more bytes are stored. Returns how many. */
export function forgetAnswersAbove(books: Books, most: number, limit: number): number {
  let above = (books.get(stored)?.bytes ?? 0) - most
  let forgotten = 0
  if (above <= 0) return forgotten
  for (const { payment, bytes } of books.all(oldest, limit)) {
    if (above <= 0) break
    books.run(remove, payment)
    above -= bytes
    forgotten += 1
  }
  return forgotten
}
