import type { Books } from '../Books.ts'
import { sql } from '../sql.ts'
import { WriteBehind } from './WriteBehind.ts'

/** A sealed answer, and when it was stored. */
export type KeptAnswer = { sealed: Uint8Array; at: number }

export const insertAnswer = sql<[payment: string, sealed: Uint8Array, at: number]>`
  INSERT INTO answers (payment_id, sealed, stored_at) VALUES (?, ?, ?)
  ON CONFLICT (payment_id) DO UPDATE SET sealed = excluded.sealed, stored_at = excluded.stored_at`

/** Answers that wait to be written, by payment. What is written is not remembered: mostly nobody asks again. */
export function answers(books: Books): WriteBehind<KeptAnswer> {
  return new WriteBehind<KeptAnswer>({
    write(changes) {
      books.writeRows(
        insertAnswer,
        changes.map(({ key, row: { sealed, at } }) => [key, sealed, at]),
      )
    },
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
