import { hash } from 'node:crypto'
import { LedgerIntegrityError } from '../../errors.ts'
import { onceKey } from '../../payment-id.ts'
import type { Books } from '../Books.ts'
import type { PaymentRow } from '../payments/PaymentRow.ts'
import { type Query, sql, type Value } from '../sql.ts'
import { rolledUp } from '../trail/said.ts'
import { nameOfCall, nameOfFamily, nameOfId } from './names.ts'
import { type PastPayment, type PastTransfer, pack, type Segment, transfersIn } from './segments.ts'

/** Payments looked at in one operation, and transfers: a few milliseconds of work. */
const page = 128
const transferPage = 2 * page

type Progress = { payment: string; transfer: number; highest: number }
type Candidate = PaymentRow & { open: number; answered: number; unsettled_since: number | null }
type Booked = PastTransfer & { tx: string | null }

const progress = sql<[], Progress>`SELECT payment, transfer, highest FROM history_progress WHERE id = 1`
const advance = sql<[payment: string, transfer: number, highest: number]>`
  UPDATE history_progress SET payment = ?, transfer = ?, highest = ? WHERE id = 1`
const candidates = sql<[after: string, limit: number], Candidate>`
  SELECT payments.id, family, repeat, payments.key, fingerprint, rail, dialect, wallet, route, payments.asset, amount, charged,
    earns, delivery, money, channel_id, cumulative, tx, settlement, bytes, whole, at_risk, reversed, owner, holds, reason,
    created_at, updated_at, open, unsettled_since,
    EXISTS (SELECT 1 FROM answers WHERE payment_id = payments.id) AS answered
  FROM payments LEFT JOIN channels ON channels.id = payments.channel_id
  WHERE payments.id > ? ORDER BY payments.id LIMIT ?`
const bookedFor = sql<[payment: string], Booked>`
  SELECT id, kind, debit, credit, asset, amount, payment_id, channel_id, created_at, previous, tx FROM transfers
  WHERE payment_id = ? ORDER BY id`
const transfers = sql<[after: number, limit: number], Booked>`
  SELECT id, kind, debit, credit, asset, amount, payment_id, channel_id, created_at, previous, tx FROM transfers
  WHERE id > ? ORDER BY id LIMIT ?`
const last = sql<[], { segment: number }>`SELECT coalesce(max(segment), 0) AS segment FROM history`
const insert = sql<
  [
    segment: number,
    payments: number,
    firstPayment: string | null,
    lastPayment: string | null,
    transfers: number,
    firstTransfer: number | null,
    lastTransfer: number | null,
    body: Uint8Array,
  ]
>`
  INSERT INTO history (segment, payment_count, first_payment, last_payment, transfer_count, first_transfer, last_transfer, body)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?)`
const name = sql<[name: Uint8Array, repeat: number, segment: number]>`
  INSERT INTO history_names (name, repeat, segment) VALUES (?, ?, ?)`
const rename = sql<[name: Uint8Array, repeat: number, segment: number]>`
  INSERT INTO history_names (name, repeat, segment) VALUES (?, ?, ?)
  ON CONFLICT (name, repeat) DO UPDATE SET segment = excluded.segment`
const removePayment = sql<[id: string]>`DELETE FROM payments WHERE id = ?`
const removeTransfer = sql<[id: number]>`DELETE FROM transfers WHERE id = ?`

/**
 * Moves a page of what ended before a time (ms) out of the tables that calls write, into one row of the history (`README.md`,
 * "History"). What is passed over stays in its table for good. Returns whether there may be more.
 */
export function rollUp(books: Books, before: number): boolean {
  const from = books.get(progress)
  if (from === null) throw new LedgerIntegrityError('the progress of the history is gone')
  const looked = upTo(books.all(candidates, from.payment, page), before)
  const payments = looked.flatMap((row) => past(books, row, before) ?? [])
  const seen = upTo(books.all(transfers, from.transfer, transferPage), before)
  const vouchers = seen.filter(
    ({ kind, payment_id, tx }) => kind === 'voucher' && payment_id === null && tx === null,
  )
  const moved = move(books, { payments, vouchers: vouchers.map(plain) })
  books.write(
    advance,
    looked.at(-1)?.id ?? from.payment,
    seen.at(-1)?.id ?? from.transfer,
    Math.max(from.highest, ...moved),
  )
  return looked.length === page || seen.length === transferPage
}

function upTo<Row extends { created_at: number }>(rows: readonly Row[], before: number): Row[] {
  const end = rows.findIndex(({ created_at }) => created_at >= before)
  return rows.slice(0, end === -1 ? rows.length : end)
}

/** The payment with what was booked for it; null where it stays. */
function past(books: Books, candidate: Candidate, before: number): PastPayment | null {
  const { open, answered, unsettled_since: unsettledSince, ...row } = candidate
  // What stands on chain is asked for by its transaction, and a void payment may be claimed again.
  if (row.rail === 'charge' || row.delivery === 'void') return null
  if (open === 1 || answered === 1 || row.updated_at >= before) return null
  const booked = books.all(bookedFor, row.id)
  if (booked.some(({ tx }) => tx !== null)) return null
  // How old unsettled value is, is found by walking over what was spent.
  if (unsettledSince !== null && booked.some(({ created_at }) => created_at >= unsettledSince)) return null
  return { ...row, booked: booked.map(plain) }
}

function plain({ tx, ...transfer }: Booked): PastTransfer {
  return transfer
}

/** Writes a segment, and takes what is in it out of the tables. Returns the numbers of its transfers. */
function move(books: Books, content: Segment): number[] {
  const { payments } = content
  const transfers = transfersIn(content)
    .map(({ id }) => id)
    .sort((a, b) => a - b)
  if (payments.length + transfers.length === 0) return []
  const segment = (books.get(last)?.segment ?? 0) + 1
  const body = pack(content)
  const between = [payments[0]?.id ?? null, payments.at(-1)?.id ?? null] as const
  const [lowest = null, highest = null] = [transfers[0], transfers.at(-1)]
  books.run(insert, segment, payments.length, ...between, transfers.length, lowest, highest, body)
  for (const id of transfers) remove(books, removeTransfer, id)
  for (const payment of payments) {
    remember(books, payment, segment)
    remove(books, removePayment, payment.id)
    books.rows.payments.drop(payment.id)
  }
  const counts = { payments: payments.length, transfers: transfers.length }
  books.rows.trail.add(rolledUp(segment, { ...counts, hash: hash('sha256', body) }), [])
  return transfers
}

function remember(books: Books, { id, family, repeat, fingerprint }: PastPayment, segment: number): void {
  books.run(name, nameOfId(id), 0, segment)
  // Such a key names the payment by its id.
  if (family !== onceKey(id)) books.run(name, nameOfFamily(family), repeat, segment)
  if (repeat > 0) books.run(rename, nameOfCall(family, fingerprint), 0, segment)
}

function remove<Id extends Value>(books: Books, statement: Query<[Id], never>, id: Id): void {
  if (books.run(statement, id) !== 1)
    throw new LedgerIntegrityError(`row ${id} to be moved into the history is gone`)
}
