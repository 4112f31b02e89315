import type { Channel } from '../../Channel.ts'
import type { Books } from '../Books.ts'
import { needChannel } from '../channels/find-channel.ts'
import { unsettledSince } from '../channels/spending.ts'
import { sql } from '../sql.ts'

const lower = sql<
  [
    deposit: string,
    settled: string,
    since: number | null,
    closing: number | null,
    finalized: number,
    id: string,
  ]
>`
  UPDATE channels SET deposit = ?, settled = ?, unsettled_since = ?, close_requested_at = ?, finalized = ?,
    taken_back = taken_back + 1
  WHERE id = ?`

/** Writes what only grows otherwise: the chain has less of it. */
export function takeDown(books: Books, channel: Channel): Channel {
  const { id, deposit, settled, closeRequestedAt, finalized } = channel
  const since = unsettledSince(books, channel)
  books.run(lower, String(deposit), String(settled), since, closeRequestedAt, finalized ? 1 : 0, id)
  books.rows.channels.drop(id)
  return needChannel(books, id)
}
