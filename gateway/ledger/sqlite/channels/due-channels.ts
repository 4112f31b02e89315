import type { Hex } from 'viem'
import type { Books } from '../Books.ts'
import { sql } from '../sql.ts'
import { needChannel } from './find-channel.ts'
import { type Page, type Place, page, placeAfter } from './walk.ts'

// Left to itself SQLite takes the index that begins with `finalized`, which is every open channel.
const aged = sql<[before: number, at: number, id: string, page: number], Place>`
  SELECT id, unsettled_since AS at FROM channels INDEXED BY channels_by_unsettled
  WHERE unsettled_since IS NOT NULL AND unsettled_since <= ? AND (unsettled_since, id) > (?, ?) AND finalized = 0
  ORDER BY unsettled_since, id LIMIT ?`
const closing = sql<[at: number, id: string, page: number], Place & { unsettled: 0 | 1 }>`
  SELECT id, close_requested_at AS at, unsettled_since IS NOT NULL AS unsettled
  FROM channels INDEXED BY channels_closing
  WHERE close_requested_at IS NOT NULL AND finalized = 0 AND (close_requested_at, id) > (?, ?)
  ORDER BY close_requested_at, id LIMIT ?`
const sized = sql<[least: number, at: number, id: string, page: number], Place & { due: 0 | 1 }>`
  SELECT id, unsettled_since AS at, CAST(spent AS REAL) - CAST(settled AS REAL) >= ? AS due
  FROM channels INDEXED BY channels_by_unsettled
  WHERE unsettled_since IS NOT NULL AND (unsettled_since, id) > (?, ?) AND finalized = 0
  ORDER BY unsettled_since, id LIMIT ?`

/** A page of channels whose oldest unsettled value is as old as `before`, or older. */
export function agedChannels(books: Books, before: number, { at, id }: Place): Page {
  const rows = books.loadAll(aged, before, at, id, page)
  return { channels: asTheyAre(books, rows), next: placeAfter(rows) }
}

/** A page of channels that have something unsettled and whose payer asked to close. */
export function closingChannels(books: Books, { at, id }: Place): Page {
  const rows = books.loadAll(closing, at, id, page)
  const owed = rows.filter(({ unsettled }) => unsettled === 1)
  return { channels: asTheyAre(books, owed), next: placeAfter(rows) }
}

/** A page of all that is unsettled, and of those the channels of which it is `least` base units or more. */
export function sizedChannels(books: Books, least: bigint, { at, id }: Place): Page {
  // Floating point is exact to 15 digits: what is about as much is looked at.
  const rows = books.loadAll(sized, Number(least) * 0.999_999, at, id, page)
  const large = rows.filter(({ due }) => due === 1)
  return { channels: asTheyAre(books, large), next: placeAfter(rows) }
}

function asTheyAre(books: Books, rows: readonly Place[]) {
  return rows.map(({ id }) => needChannel(books, id as Hex)).filter(({ finalized }) => !finalized)
}
