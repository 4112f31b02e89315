import { hash } from 'node:crypto'
import { onceKey } from '../../payment-id.ts'
import type { Books } from '../Books.ts'
import { nameOfCall, nameOfFamily, nameOfId } from '../history/names.ts'
import type { PastPayment } from '../history/segments.ts'
import { sql } from '../sql.ts'

/** What the trail says of a segment: the number of the event, how much is in it, and what the bytes hashed to. */
export type StatedSegment = { seq: number; payments: number; transfers: number; events: number; hash: string }

type Row = { segment: number; payments: number; transfers: number; events: number; body: Uint8Array }

const find = sql<[name: Uint8Array, repeat: number], { segment: number }>`
  SELECT segment FROM history_names WHERE name = ? AND repeat = ?`
const next = sql<[after: number], Row>`
  SELECT segment, payment_count AS payments, transfer_count AS transfers, event_count AS events, body FROM history
  WHERE segment > ? ORDER BY segment LIMIT 1`
const beyond = sql<[], { last: number; highest: number }>`
  SELECT max(last_transfer) AS last, (SELECT highest FROM history_progress) AS highest FROM history
  HAVING max(last_transfer) > (SELECT highest FROM history_progress)`
const any = sql<[], { segment: number }>`SELECT segment FROM history LIMIT 1`
const inTable = sql<
  [],
  { id: string; family: string; repeat: number }
>`SELECT id, family, repeat FROM payments`

/** Law 5, the history's half: a past payment is found by its id and key, so that its key buys nothing again. */
export function auditNames(
  books: Books,
  segment: number,
  { id, family, repeat, fingerprint }: PastPayment,
): string[] {
  const byId = segmentOf(books, nameOfId(id), 0)
  const byKey = family === onceKey(id) ? segment : segmentOf(books, nameOfFamily(family), repeat)
  const byCall = repeat === 0 ? segment : segmentOf(books, nameOfCall(family, fingerprint), repeat)
  if (byId === segment && byKey === segment && byCall === segment) return []
  return [
    `payment ${id} is in segment ${segment}; its id leads to ${byId}, its key to ${byKey}, its call to ${byCall}`,
  ]
}

/** … and it is not in the table as well. */
export function auditTwice(books: Books): string[] {
  if (books.get(any) === null) return []
  const violations: string[] = []
  for (const { id, family, repeat } of books.each(inTable))
    if (
      isPast(books, id) ||
      isPast(books, idIn(family)) ||
      segmentOf(books, nameOfFamily(family), repeat) !== null
    )
      violations.push(`payment ${id}, or another one with its key, is in the history too`)
  return violations
}

const isPast = (books: Books, id: string | null) => id !== null && segmentOf(books, nameOfId(id), 0) !== null

/** The id in a key that names its payment by it. */
const idIn = (family: string) => (family.startsWith(onceKey('')) ? family.slice(onceKey('').length) : null)

function segmentOf(books: Books, name: Uint8Array, repeat: number): number | null {
  return books.get(find, name, repeat)?.segment ?? null
}

/** Every segment is what the trail says was written. Each violation with its event, where there is one. */
export function auditSegments(
  books: Books,
  stated: ReadonlyMap<number, StatedSegment>,
): { seq: number | null; violation: string }[] {
  const violations: { seq: number | null; violation: string }[] = []
  const missing = new Map(stated)
  for (let row = books.get(next, 0); row !== null; row = books.get(next, row.segment)) {
    const { segment } = row
    const said = missing.get(segment)
    missing.delete(segment)
    if (said === undefined)
      violations.push({ seq: null, violation: `segment ${segment} of the history has no event in the trail` })
    else if (said.hash !== hash('sha256', row.body) || !hasAsMany(row, said))
      violations.push({
        seq: said.seq,
        violation: `segment ${segment} of the history is not what event ${said.seq} states`,
      })
  }
  for (const { last, highest } of books.all(beyond))
    violations.push({
      seq: null,
      violation: `transfer ${last} is in the history, which says ${highest} at most`,
    })
  for (const [segment, { seq }] of missing)
    violations.push({
      seq,
      violation: `segment ${segment} of the history, which event ${seq} states, is gone`,
    })
  return violations
}

const hasAsMany = (row: Row, said: StatedSegment) =>
  row.payments === said.payments && row.transfers === said.transfers && row.events === said.events
