import { hash } from 'node:crypto'
import { LedgerIntegrityError } from '../../errors.ts'
import { onceKey } from '../../payment-id.ts'
import type { Books } from '../Books.ts'
import { type Query, sql, type Value } from '../sql.ts'
import { rolledUp } from '../trail/said.ts'
import { nameOfCall, nameOfFamily, nameOfId } from './names.ts'
import { type PastPayment, pack, type Segment, transfersIn } from './segments.ts'

type Range<Id> = [count: number, first: Id | null, last: Id | null]

const last = sql<[], { segment: number }>`SELECT coalesce(max(segment), 0) AS segment FROM history`
const insert = sql<
  [
    segment: number,
    ...payments: Range<string>,
    ...transfers: Range<number>,
    ...events: Range<number>,
    body: Uint8Array,
  ]
>`
  INSERT INTO history (segment, payment_count, first_payment, last_payment, transfer_count, first_transfer, last_transfer,
    event_count, first_event, last_event, body)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`
const name = sql<[name: Uint8Array, repeat: number, segment: number]>`
  INSERT INTO history_names (name, repeat, segment) VALUES (?, ?, ?)`
const removePayment = sql<[id: string]>`DELETE FROM payments WHERE id = ?`
const removeTransfer = sql<[id: number]>`DELETE FROM transfers WHERE id = ?`
const removeEvent = sql<[seq: number]>`DELETE FROM events WHERE seq = ?`

/** Writes a segment, and takes what is in it out of the tables. The trail states its hash. */
export function writeSegment(books: Books, content: Segment): void {
  const { payments, events } = content
  const transfers = transfersIn(content)
    .map(({ id }) => id)
    .sort((a, b) => a - b)
  const ids = payments.map(({ id }) => id)
  const numbers = events.map(({ seq }) => seq)
  if (ids.length + transfers.length + numbers.length === 0) return
  const segment = (books.get(last)?.segment ?? 0) + 1
  const body = pack(content)
  books.run(insert, segment, ...range(ids), ...range(transfers), ...range(numbers), body)
  for (const id of transfers) remove(books, removeTransfer, id)
  for (const payment of payments) {
    remember(books, payment, segment)
    remove(books, removePayment, payment.id)
    books.rows.payments.drop(payment.id)
  }
  for (const seq of numbers) remove(books, removeEvent, seq)
  const counts = { payments: ids.length, transfers: transfers.length, events: numbers.length }
  books.rows.trail.add(rolledUp(segment, { ...counts, hash: hash('sha256', body) }), [])
  // The tables alone are the books of a moment ago: what they have of the history, their trail states.
  books.rows.flush()
}

/** Of ids in their order. */
function range<Id>(ids: readonly Id[]): Range<Id> {
  return [ids.length, ids[0] ?? null, ids.at(-1) ?? null]
}

function remember(books: Books, { id, family, repeat, fingerprint }: PastPayment, segment: number): void {
  books.run(name, nameOfId(id), 0, segment)
  // Such a key names the payment by its id.
  if (family !== onceKey(id)) books.run(name, nameOfFamily(family), repeat, segment)
  if (repeat > 0) books.run(name, nameOfCall(family, fingerprint), repeat, segment)
}

function remove<Id extends Value>(books: Books, statement: Query<[Id], never>, id: Id): void {
  if (books.run(statement, id) !== 1)
    throw new LedgerIntegrityError(`row ${id} to be moved into the history is gone`)
}
