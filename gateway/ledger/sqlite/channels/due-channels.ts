import type { Hex } from 'viem'
import type { Channel } from '../../Channel.ts'
import type { Books } from '../Books.ts'
import { sql } from '../sql.ts'
import { needChannel } from './find-channel.ts'

/** How many channels are looked at in one go: a few milliseconds, though each may be a page of its own on the disk. */
const page = 200

type Place = { since: number; id: string }
type Row = Place & { due: 0 | 1 }

// Left to itself SQLite takes the index that begins with `finalized`, which is every open channel.
const next = sql<
  [before: number, least: number, since: number, sinceToo: number, id: string, page: number],
  Row
>`
  SELECT id, unsettled_since AS since, (
    unsettled_since <= ? OR close_requested_at IS NOT NULL OR CAST(spent AS REAL) - CAST(settled AS REAL) >= ?
  ) AS due
  FROM channels INDEXED BY channels_by_unsettled
  WHERE unsettled_since >= ? AND (unsettled_since > ? OR id > ?) AND finalized = 0
  ORDER BY unsettled_since, id LIMIT ?`

/** Where a walk over what is unsettled begins. */
export const start: Place = { since: -1, id: '' }

/** A page of channels that may be due, and where the next one begins; null after the last. */
export function dueChannels(
  books: Books,
  { before, least }: { before: number; least: bigint | null },
  { since, id }: Place,
): { channels: Channel[]; next: Place | null } {
  // Floating point is exact to 15 digits: what is about as much is looked at.
  const size = least === null ? Number.MAX_VALUE : Number(least) * 0.999_999
  const rows = books.all(next, before, size, since, since, id, page)
  const channels = rows.filter(({ due }) => due === 1).map((row) => needChannel(books, row.id as Hex))
  const last = rows.length < page ? undefined : rows.at(-1)
  return { channels, next: last === undefined ? null : { since: last.since, id: last.id } }
}
