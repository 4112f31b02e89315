import { hash } from 'node:crypto'
import { onceKey } from '../../payment-id.ts'
import type { Books } from '../Books.ts'
import { nameOfFamily, nameOfId } from '../history/names.ts'
import type { PastPayment } from '../history/segments.ts'
import { sql } from '../sql.ts'

/** What the trail says of a segment: the number of the event, and what the bytes hashed to. */
export type StatedSegment = { seq: number; hash: string }

const find = sql<[name: Uint8Array, repeat: number], { segment: number }>`
  SELECT segment FROM history_names WHERE name = ? AND repeat = ?`
const bodies = sql<[after: number], { segment: number; body: Uint8Array }>`
  SELECT segment, body FROM history WHERE segment > ? ORDER BY segment LIMIT 1`
const any = sql<[], { segment: number }>`SELECT segment FROM history LIMIT 1`
const inTable = sql<
  [],
  { id: string; family: string; repeat: number }
>`SELECT id, family, repeat FROM payments`

/** Law 5, the history's half: a past payment is found by its id and key, so that its key buys nothing again. */
export function auditNames(books: Books, segment: number, { id, family, repeat }: PastPayment): string[] {
  const byId = segmentOf(books, nameOfId(id), 0)
  const byKey = family === onceKey(id) ? segment : segmentOf(books, nameOfFamily(family), repeat)
  if (byId === segment && byKey === segment) return []
  return [`payment ${id} is in segment ${segment}; its id leads to ${byId}, its key to ${byKey}`]
}

/** … and it is not in the table as well. */
export function auditTwice(books: Books): string[] {
  if (books.get(any) === null) return []
  const violations: string[] = []
  for (const { id, family, repeat } of books.each(inTable))
    if (segmentOf(books, nameOfId(id), 0) !== null || segmentOf(books, nameOfFamily(family), repeat) !== null)
      violations.push(`payment ${id}, or another one with its key, is in the history too`)
  return violations
}

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
  for (let row = books.get(bodies, 0); row !== null; row = books.get(bodies, row.segment)) {
    const { segment } = row
    const said = missing.get(segment)
    missing.delete(segment)
    if (said === undefined)
      violations.push({ seq: null, violation: `segment ${segment} of the history has no event in the trail` })
    else if (said.hash !== hash('sha256', row.body))
      violations.push({
        seq: said.seq,
        violation: `segment ${segment} of the history is not what event ${said.seq} states`,
      })
  }
  for (const [segment, { seq }] of missing)
    violations.push({
      seq,
      violation: `segment ${segment} of the history, which event ${seq} states, is gone`,
    })
  return violations
}
