import { hash } from 'node:crypto'
import { onceKey } from '../../payment-id.ts'
import type { Books } from '../Books.ts'
import { nameOfFamily, nameOfId } from '../history/names.ts'
import { sql } from '../sql.ts'
import { segmentsInOrder } from './segments-in-order.ts'

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

/** Law 5, the history's half: a past payment is found by its id and key, once, so that its key buys nothing again. */
export function auditNames(books: Books): string[] {
  if (books.get(any) === null) return []
  const violations: string[] = []
  for (const { segment, payments } of segmentsInOrder(books, 'calls'))
    for (const { id, family, repeat } of payments) {
      const byId = books.get(find, nameOfId(id), 0)?.segment ?? null
      const byKey =
        family === onceKey(id) ? segment : (books.get(find, nameOfFamily(family), repeat)?.segment ?? null)
      if (byId !== segment || byKey !== segment)
        violations.push(
          `payment ${id} is in segment ${segment}; its id leads to ${byId}, its key to ${byKey}`,
        )
    }
  for (const { id, family, repeat } of books.each(inTable))
    if (books.get(find, nameOfId(id), 0) !== null || books.get(find, nameOfFamily(family), repeat) !== null)
      violations.push(`payment ${id}, or another one with its key, is in the history too`)
  return violations
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
