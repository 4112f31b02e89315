import type { Ledger } from '../../Ledger.ts'
import type { Books } from '../Books.ts'
import { sql } from '../sql.ts'
import { asItIs, type ChannelRow } from '../working-set/channels.ts'
import { type Page, type Place, page, placeAfter } from './walk.ts'

const next = sql<[at: number, id: string, page: number], ChannelRow & Place>`
  SELECT *, opened_at AS at FROM channels INDEXED BY channels_by_end
  WHERE finalized = 0 AND (opened_at, id) > (?, ?)
  ORDER BY opened_at, id LIMIT ?`

/** A page of all open channels, and of those the ones of one escrow: the books may have many more of earlier ones. */
export function openChannels(books: Books, of: Ledger.Escrow, { at, id }: Place): Page {
  const escrow = of.escrow.toLowerCase()
  const rows = books.loadAll(next, at, id, page)
  const channels = rows
    .filter((row) => row.escrow === escrow && row.chain_id === of.chainId)
    .map((row) => asItIs(books, row))
    .filter(({ finalized }) => !finalized)
  return { channels, next: placeAfter(rows) }
}
