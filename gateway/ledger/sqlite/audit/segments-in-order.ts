import { hash } from 'node:crypto'
import type { Books } from '../Books.ts'
import { type Segment, unpack } from '../history/segments.ts'
import { sql } from '../sql.ts'

/** A row of the history: what its bytes hash to, and what they hold; nothing where they cannot be read, which `auditHistory` names. */
export type ReadSegment = { segment: number; hash: string; content: Segment | null; begins: number | null }

const numbers = sql<[], { segment: number }>`SELECT segment FROM history ORDER BY segment`
const find = sql<[segment: number], { body: Uint8Array; begins: number | null }>`
  SELECT body, first_transfer AS begins FROM history WHERE segment = ?`

/** Every segment of the history, one after the other. */
export function* segmentsInOrder(books: Books): Generator<ReadSegment> {
  for (const { segment } of books.all(numbers)) {
    const row = books.get(find, segment)
    if (row === null) continue
    yield { segment, hash: hash('sha256', row.body), content: read(row.body), begins: row.begins }
  }
}

function read(body: Uint8Array): Segment | null {
  try {
    return unpack(body)
  } catch {
    return null
  }
}
