import { paymentIdsFrom } from '../../payment-id.ts'
import type { Books } from '../Books.ts'
import type { PaymentRow } from '../payments/PaymentRow.ts'
import { sql } from '../sql.ts'
import { dayMs, none, type Page, upTo } from './Page.ts'
import type { PastPayment, PastTransfer } from './segments.ts'

/** Payments looked at in one operation: a few milliseconds of work. */
const page = 64

type Candidate = PaymentRow & { open: number; kept: number; unsettled_since: number | null }
type Booked = PastTransfer & { tx: string | null; payment_id: string }

const candidates = sql<[after: string, before: string, limit: number], Candidate>`
  SELECT payments.id, family, repeat, payments.key, fingerprint, rail, dialect, wallet, route, payments.asset, amount, charged,
    earns, delivery, money, channel_id, cumulative, tx, settlement, bytes, whole, at_risk, reversed, owner, holds, reason,
    created_at, updated_at, open, unsettled_since,
    EXISTS (SELECT 1 FROM answers WHERE payment_id = payments.id)
      OR EXISTS (SELECT 1 FROM doubts WHERE payment_id = payments.id) AS kept
  FROM payments LEFT JOIN channels ON channels.id = payments.channel_id
  WHERE payments.id > ? AND payments.id < ? ORDER BY payments.id LIMIT ?`
const bookedFor = sql<[first: string, last: string], Booked>`
  SELECT id, kind, debit, credit, asset, amount, payment_id, channel_id, created_at, previous, tx FROM transfers
  WHERE payment_id >= ? AND payment_id <= ? ORDER BY payment_id, id`

/**
 * The next payments after an id that were made a day before a time, and which of them are to be moved, with what was booked for
 * them: those that had ended by that time. Ids that do not say when they were made are not reached: whoever passed them would
 * pass all that are still to be made.
 */
export function oldPayments(
  books: Books,
  after: string,
  before: number,
  least = page,
): Page<PastPayment, string> {
  const made = Math.max(0, Math.trunc(before - dayMs))
  const rows = books.all(candidates, after, paymentIdsFrom(made), page)
  const looked = upTo(rows, ({ created_at }) => created_at < made)
  const [first, last] = [looked[0], looked.at(-1)]
  if (first === undefined || last === undefined || looked.length < least) return none(after)
  const booked = Map.groupBy(books.all(bookedFor, first.id, last.id), ({ payment_id }) => payment_id)
  return {
    moved: looked.flatMap((row) => past(row, booked.get(row.id) ?? [], before) ?? []),
    last: last.id,
    isFull: looked.length === page,
  }
}

/** Null where it stays. */
function past(candidate: Candidate, rows: readonly Booked[], before: number): PastPayment | null {
  const { open, kept, unsettled_since: unsettledSince, ...row } = candidate
  // What stands on chain is asked for by its transaction, and a void payment may be claimed again.
  if (row.rail === 'charge' || row.delivery === 'void') return null
  if (open === 1 || kept === 1 || row.updated_at >= before) return null
  if (rows.some(({ tx }) => tx !== null)) return null
  // How old unsettled value is, is found by walking over what was spent.
  if (unsettledSince !== null && rows.some(({ created_at }) => created_at >= unsettledSince - dayMs))
    return null
  return { ...row, booked: rows.map(({ tx, ...transfer }) => transfer) }
}
