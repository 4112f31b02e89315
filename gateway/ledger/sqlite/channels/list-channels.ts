import type { Channel } from '../../Channel.ts'
import type { Ledger } from '../../Ledger.ts'
import type { Books } from '../Books.ts'
import { sql } from '../sql.ts'
import { type ChannelRow, toChannel } from '../working-set/channels.ts'

type End = [open: number, finalized: number]

const byPayer = sql<[payer: string, ...End, unsettled: number, limit: number], ChannelRow>`
  SELECT * FROM channels
  WHERE payer = ? AND finalized IN (?, ?) AND (unsettled_since IS NOT NULL OR ? = 0)
  ORDER BY opened_at LIMIT ?`
const byUnsettled = sql<[...End, limit: number], ChannelRow>`
  SELECT * FROM channels INDEXED BY channels_by_unsettled
  WHERE unsettled_since >= 0 AND finalized IN (?, ?)
  ORDER BY unsettled_since LIMIT ?`
const byEnd = sql<[...End, limit: number], ChannelRow>`
  SELECT * FROM channels
  WHERE finalized IN (?, ?)
  ORDER BY opened_at LIMIT ?`

const byClosing = sql<[], ChannelRow>`
  SELECT * FROM channels INDEXED BY channels_closing
  WHERE close_requested_at >= 0 AND finalized = 0
  ORDER BY close_requested_at`

/** Channels, oldest first; unsettled ones by how long they have been. */
export function listChannels(books: Books, filter: Ledger.ChannelFilter): Channel[] {
  const end: End = filter.finalized === undefined ? [0, 1] : filter.finalized ? [1, 1] : [0, 0]
  const limit = filter.limit ?? -1
  const unsettled = filter.unsettled === true
  if (filter.closing === true)
    return books
      .all(byClosing)
      .map(toChannel)
      .filter(({ unsettledSince }) => !unsettled || unsettledSince !== null)
  const rows =
    filter.payer !== undefined
      ? books.all(byPayer, filter.payer.toLowerCase(), ...end, unsettled ? 1 : 0, limit)
      : unsettled
        ? books.all(byUnsettled, ...end, limit)
        : books.all(byEnd, ...end, limit)
  return rows.map(toChannel)
}
