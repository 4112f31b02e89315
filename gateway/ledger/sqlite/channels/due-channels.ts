import type { Hex } from 'viem'
import type { Books } from '../Books.ts'
import { sql } from '../sql.ts'
import { needChannel } from './find-channel.ts'
import { type Page, type Place, page, placeAfter } from './walk.ts'

type Row = Place & { due: 0 | 1 }

// Left to itself SQLite takes the index that begins with `finalized`, which is every open channel.
const next = sql<[before: number, least: number, at: number, id: string, page: number], Row>`
  SELECT id, unsettled_since AS at, (
    unsettled_since <= ? OR close_requested_at IS NOT NULL OR CAST(spent AS REAL) - CAST(settled AS REAL) >= ?
  ) AS due
  FROM channels INDEXED BY channels_by_unsettled
  WHERE unsettled_since IS NOT NULL AND (unsettled_since, id) > (?, ?) AND finalized = 0
  ORDER BY unsettled_since, id LIMIT ?`

/** A page of channels that may be due. */
export function dueChannels(
  books: Books,
  { before, least }: { before: number; least: bigint | null },
  { at, id }: Place,
): Page {
  // Floating point is exact to 15 digits: what is about as much is looked at.
  const size = least === null ? Number.MAX_VALUE : Number(least) * 0.999_999
  const rows = books.loadAll(next, before, size, at, id, page)
  const channels = rows
    .filter(({ due }) => due === 1)
    .map((row) => needChannel(books, row.id as Hex))
    .filter(({ finalized }) => !finalized)
  return { channels, next: placeAfter(rows) }
}
