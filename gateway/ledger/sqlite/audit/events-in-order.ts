import type { Books } from '../Books.ts'
import { sql } from '../sql.ts'
import type { Event } from '../trail/Event.ts'
import { segmentsInOrder } from './segments-in-order.ts'

/** Rows read at once: one of a busy gateway may be half a megabyte. */
const page = 32

const inTable = sql<[after: number, limit: number], Event>`
  SELECT seq, at, kind, subject, body, prev_hash, hash FROM events WHERE seq > ? ORDER BY seq LIMIT ?`

/** Every event in its order: those of the history, which are moved in their order, and those of the table. */
export function* eventsInOrder(books: Books): Generator<Event> {
  const table = ofTable(books)
  let next = table.next()
  for (const { events } of segmentsInOrder(books, 'events'))
    for (const event of events) {
      for (; next.done !== true && next.value.seq < event.seq; next = table.next()) yield next.value
      yield event
    }
  for (; next.done !== true; next = table.next()) yield next.value
}

function* ofTable(books: Books): Generator<Event> {
  for (let after = 0; ; ) {
    const rows = books.all(inTable, after, page)
    yield* rows
    const last = rows.at(-1)
    if (last === undefined) return
    after = last.seq
  }
}
