import type { Books } from '../Books.ts'
import { sql } from '../sql.ts'
import { none, type Page, upToYoung } from './Page.ts'
import type { PastTransfer } from './segments.ts'

/** Transfers looked at in one operation: those of the vouchers of as many payments, and of the payments themselves. */
const page = 128

type Row = PastTransfer & { tx: string | null }

const transfers = sql<[after: number, limit: number], Row>`
  SELECT id, kind, debit, credit, asset, amount, payment_id, channel_id, created_at, previous, tx FROM transfers
  WHERE id > ? ORDER BY id LIMIT ?`

/** The next transfers after a number that were booked before a time, and which of them say that a voucher was accepted. */
export function oldVouchers(
  books: Books,
  after: number,
  before: number,
  least = page,
): Page<PastTransfer, number> {
  const rows = books.all(transfers, after, page)
  const looked = upToYoung(rows, ({ created_at }) => created_at, before, books.clock.now())
  if (looked.length < least) return none(after)
  return {
    moved: looked.filter(({ kind }) => kind === 'voucher').map(({ tx, ...transfer }) => transfer),
    last: looked.at(-1)?.id ?? after,
    isFull: looked.length === page,
  }
}
