import type { Books } from '../Books.ts'
import { type Segment, unpack } from '../history/segments.ts'
import { sql } from '../sql.ts'

const ofCalls = sql<[], { segment: number }>`
  SELECT segment FROM history WHERE payment_count + transfer_count > 0 ORDER BY segment`
const ofEvents = sql<
  [],
  { segment: number }
>`SELECT segment FROM history WHERE event_count > 0 ORDER BY segment`
const find = sql<[segment: number], { body: Uint8Array }>`SELECT body FROM history WHERE segment = ?`

/** Calls or events of the history, in the order in which they were moved. What cannot be read is passed over: `auditSegments` names it. */
export function* segmentsInOrder(
  books: Books,
  what: 'calls' | 'events',
): Generator<Segment & { segment: number }> {
  for (const { segment } of books.all(what === 'calls' ? ofCalls : ofEvents)) {
    const row = books.get(find, segment)
    const content = row === null ? null : read(row.body)
    if (content !== null) yield { ...content, segment }
  }
}

function read(body: Uint8Array): Segment | null {
  try {
    return unpack(body)
  } catch {
    return null
  }
}
