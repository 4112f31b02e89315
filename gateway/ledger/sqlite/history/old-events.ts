import type { Books } from '../Books.ts'
import { sql } from '../sql.ts'
import type { Event } from '../trail/Event.ts'
import { none, type Page, upToYoung } from './Page.ts'

/** Events moved in one operation, and how long they may be: one of a busy gateway states hundreds of calls. */
const page = 64
const most = 65_536

/** The last one stays: the next one follows it. */
const events = sql<[after: number, limit: number], Event>`
  SELECT seq, at, kind, subject, body, prev_hash, hash FROM events
  WHERE seq > ? AND seq < (SELECT max(seq) FROM events) ORDER BY seq LIMIT ?`

/** The next events after a number that are older than a time. What operators and the gateway itself noted is read back, and stays. */
export function oldEvents(books: Books, after: number, before: number, least = page): Page<Event, number> {
  const rows: Event[] = []
  let length = 0
  for (const event of books.each(events, after, page)) {
    rows.push(event)
    length += event.body.length
    if (length >= most) break
  }
  const looked = upToYoung(rows, ({ at }) => at, before, books.clock.now())
  const isFull = looked.length === rows.length && (rows.length === page || length >= most)
  if (looked.length < least && !isFull) return none(after)
  return {
    moved: looked.filter(({ kind }) => !kind.startsWith('admin:')),
    last: looked.at(-1)?.seq ?? after,
    isFull,
  }
}
