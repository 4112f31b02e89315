import type { Trail } from '../../Trail.ts'
import type { Books } from '../Books.ts'
import { sql } from '../sql.ts'
import { append, plain } from './append.ts'

const find = sql<
  [kind: string, limit: number],
  { seq: number; at: number; kind: string; subject: string; body: string }
>`
  SELECT seq, at, kind, subject, body FROM events
  WHERE kind = ? AND kind GLOB 'admin:*' ORDER BY seq DESC LIMIT ?`
const transfers = sql<[], { last: number }>`SELECT coalesce(max(id), 0) AS last FROM transfers`
const first = sql<[], { seq: number }>`SELECT seq FROM events WHERE seq > 0 ORDER BY seq LIMIT 1`

/** Says in the trail what an operator, or the gateway itself, did that moved no money. */
export function note(books: Books, { kind, subject = '', body = {} }: Trail.Note): void {
  books.rows.flush()
  append(books, { kind: `admin:${kind}`, subject: plain(subject), body: safe(body) })
}

/** Notes of one kind, newest first. */
export function notes(books: Books, kind: Trail.NoteKind, limit: number): Trail.NoteRead[] {
  return books.all(find, `admin:${kind}`, limit).map(({ seq, at, subject, body }) => ({
    seq,
    at,
    kind,
    subject,
    body: JSON.parse(body) as Record<string, string | number | boolean | null>,
  }))
}

/**
 * The first event. Books that are older than their trail have transfers that no event states: it says up to which one.
 */
export function begin(books: Books): void {
  if (books.get(first) !== null) return
  append(books, {
    kind: 'admin:trail-began',
    subject: '',
    body: { lastTransfer: books.get(transfers)?.last ?? 0 },
  })
}

function safe(body: NonNullable<Trail.Note['body']>) {
  return Object.fromEntries(
    Object.entries(body).map(([name, value]) => [name, typeof value === 'string' ? plain(value) : value]),
  )
}
