import { LedgerIntegrityError } from '../../errors.ts'
import type { Books } from '../Books.ts'
import { sql } from '../sql.ts'
import { oldEvents } from './old-events.ts'
import { oldPayments } from './old-payments.ts'
import { oldVouchers } from './old-vouchers.ts'
import { transfersIn } from './segments.ts'
import { writeSegment } from './write-segment.ts'

/** Up to where each table was looked at, and the highest transfer that was moved. */
type Progress = { payment: string; transfer: number; event: number; highest: number }

const progress = sql<[], Progress>`
  SELECT payment, transfer, event, highest FROM history_progress WHERE id = 1`
const advance = sql<[payment: string, transfer: number, event: number, highest: number]>`
  UPDATE history_progress SET payment = ?, transfer = ?, event = ?, highest = ? WHERE id = 1`

/**
 * Moves some of what ended before a time (ms) out of the tables that calls write, into rows of the history (`README.md`, "History").
 * What is passed over stays in its table for good. `least`: rows of a table that are worth a segment; a page of them by default.
 * Returns whether there may be more.
 */
export function rollUp(books: Books, before: number, least?: number): boolean {
  const from = books.get(progress)
  if (from === null) throw new LedgerIntegrityError('the progress of the history is gone')
  const payments = oldPayments(books, from.payment, before, least)
  const vouchers = oldVouchers(books, from.transfer, before, least)
  const events = oldEvents(books, from.event, before, least)
  const calls = { payments: payments.moved, vouchers: vouchers.moved, events: [] }
  writeSegment(books, calls)
  writeSegment(books, { payments: [], vouchers: [], events: events.moved })
  const highest = transfersIn(calls).reduce((most, { id }) => Math.max(most, id), from.highest)
  books.write(advance, payments.last, vouchers.last, events.last, highest)
  return payments.isFull || vouchers.isFull || events.isFull
}
