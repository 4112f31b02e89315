import type { Books } from '../Books.ts'
import { sql } from '../sql.ts'
import { WriteBehind } from './WriteBehind.ts'

/** A sealed answer, and when it was stored. */
export type KeptAnswer = { sealed: Uint8Array; at: number }

type Values = [payment: string, sealed: Uint8Array, at: number]

const insert = sql<Values>`
  INSERT INTO answers (payment_id, sealed, stored_at) VALUES (?, ?, ?) ON CONFLICT (payment_id) DO NOTHING`
/** A trigger counts what it changes. */
const replace = sql<[sealed: Uint8Array, at: number, payment: string]>`
  UPDATE answers SET sealed = ?, stored_at = ? WHERE payment_id = ?`
const count = sql<[bytes: number]>`UPDATE answers_stored SET bytes = bytes + ? WHERE id = 1`

/** Answers that wait to be written, by payment. What is written is not remembered: mostly nobody asks again. */
export function answers(books: Books): WriteBehind<KeptAnswer> {
  return new WriteBehind<KeptAnswer>({
    write: (changes) =>
      writeAnswers(
        books,
        changes.map(({ key, row: { sealed, at } }) => [key, sealed, at]),
      ),
    kept: () => null,
    entry: (payment, { sealed, at }) => [
      'answer',
      payment,
      Buffer.from(sealed.buffer, sealed.byteOffset, sealed.byteLength).toString('base64'),
      at,
    ],
    isSound: () => true,
  })
}

/** Writes answers, and counts the bytes of those that are new. One that is there is replaced. */
export function writeAnswers(books: Books, rows: readonly Values[]): void {
  let bytes = 0
  for (const [payment, sealed, at] of rows)
    if (books.write(insert, payment, sealed, at) === 1) bytes += sealed.byteLength
    else books.write(replace, sealed, at, payment)
  books.write(count, bytes)
}
