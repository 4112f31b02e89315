import type { Channel } from '../../Channel.ts'
import type { Ledger } from '../../Ledger.ts'
import type { Books } from '../Books.ts'
import { sql } from '../sql.ts'
import { type ChannelRow, toChannel } from '../working-set/channels.ts'
import { page } from './walk.ts'

const next = sql<[after: number, page: number], ChannelRow & { place: number }>`
  SELECT *, rowid AS place FROM channels WHERE rowid > ? ORDER BY rowid LIMIT ?`

/** A page of all channels, and of those the ones of one escrow. The last page is empty. */
export function channelsOf(
  books: Books,
  of: Ledger.Escrow,
  after: number,
): { channels: Channel[]; next: number | null } {
  const escrow = of.escrow.toLowerCase()
  const rows = books.all(next, after, page)
  const channels = rows.filter((row) => row.escrow === escrow && row.chain_id === of.chainId).map(toChannel)
  return { channels, next: rows.at(-1)?.place ?? null }
}
