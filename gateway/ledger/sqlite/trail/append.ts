import type { Books } from '../Books.ts'
import { sql } from '../sql.ts'
import { genesis, hashOf } from './Event.ts'

/** What is said of one thing that happened. */
export type Said = { kind: string; subject: string; body: Body }
/** Members of a body: never a signature, a token, a key or an answer. */
export type Body = { [name: string]: Value }
type Value = string | number | boolean | null | readonly Value[] | { [name: string]: Value }

const head = sql<[], { seq: number; hash: string }>`
  SELECT seq, hash FROM events WHERE seq > 0 ORDER BY seq DESC LIMIT 1`
const insert = sql<
  [seq: number, at: number, kind: string, subject: string, body: string, previous: string, hash: string]
>`
  INSERT INTO events (seq, at, kind, subject, body, prev_hash, hash) VALUES (?, ?, ?, ?, ?, ?, ?)`

/** The last event, or null in empty books. */
export function readHead(books: Books): { seq: number; hash: string } | null {
  const known = books.rows.single.get('head')
  return known !== undefined && 'seq' in known ? known : books.load(head)
}

/**
 * Appends an event, in the transaction that is open. The head is read in it: another process may have written since.
 */
export function append(books: Books, { kind, subject, body }: Said): void {
  const last = readHead(books) ?? { seq: 0, hash: genesis }
  const event = {
    seq: last.seq + 1,
    at: books.clock.now(),
    kind,
    subject,
    body: JSON.stringify(canonical(body)),
    prev_hash: last.hash,
  }
  const hash = hashOf(event)
  books.write(insert, event.seq, event.at, kind, subject, event.body, last.hash, hash)
  books.writes++
  books.rows.single.put('head', { seq: event.seq, hash })
}

/**
 * RFC 8785 for a body, at a fifth of the price: its own members are sorted here, and what is nested in it is written in
 * order where it is made (`transferBody`). Whole numbers and well-formed texts are as `JSON.stringify` writes them.
 */
export function canonical(body: Body): Body {
  const sorted: Body = {}
  for (const name of Object.keys(body).sort()) sorted[name] = body[name] ?? null
  return sorted
}

/** Most characters of a text that somebody else wrote. */
const longest = 300

/**
 * A text as it may stand in the trail: well-formed, of bounded length, and without anything as long as a signature or a
 * signed transaction.
 */
export function plain(text: string): string {
  return text
    .slice(0, longest)
    .toWellFormed()
    .replace(/(?:0x)?[0-9a-fA-F]{65,}|[A-Za-z0-9_+/-]{80,}={0,2}/g, '…')
}
