import type { Books } from '../Books.ts'
import { sql } from '../sql.ts'
import type { PastTransfer } from './segments.ts'
import { type Old, upTo } from './up-to.ts'

/** Transfers looked at in one operation: those of the vouchers of as many payments, and of the payments themselves. */
const page = 128

type Row = PastTransfer & { tx: string | null }

const transfers = sql<[after: number, limit: number], Row>`
  SELECT id, kind, debit, credit, asset, amount, payment_id, channel_id, created_at, previous, tx FROM transfers
  WHERE id > ? ORDER BY id LIMIT ?`

/** The next transfers after a number that were booked before a time, and which of them say that a voucher was accepted. */
export function oldVouchers(books: Books, after: number, before: number): Old<PastTransfer, number> {
  const looked = upTo(books.all(transfers, after, page), ({ created_at }) => created_at < before)
  return {
    moved: looked.filter(({ kind }) => kind === 'voucher').map(({ tx, ...transfer }) => transfer),
    last: looked.at(-1)?.id ?? after,
    more: looked.length === page,
  }
}
