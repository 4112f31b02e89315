import type { Hex } from 'viem'
import type { Channel } from '../../Channel.ts'
import type { Books } from '../Books.ts'
import { sql } from '../sql.ts'

const save = sql<
  [
    deposit: string,
    settled: string,
    accepted: string,
    spent: string,
    voucherCumulative: string | null,
    voucherSignature: string | null,
    closeRequestedAt: number | null,
    finalized: number,
    unsettledSince: number | null,
    lastUsedAt: number,
    id: string,
  ]
>`
  UPDATE channels SET deposit = ?, settled = ?, accepted = ?, spent = ?, voucher_cumulative = ?,
    voucher_signature = ?, close_requested_at = ?, finalized = ?, unsettled_since = ?, last_used_at = ?
  WHERE id = ?`

/** Writes what changes in a channel's life. The schema refuses what breaks law 3. */
export function writeChannel(books: Books, id: Hex, channel: Channel): void {
  books.write(
    save,
    String(channel.deposit),
    String(channel.settled),
    String(channel.accepted),
    String(channel.spent),
    channel.voucher === null ? null : String(channel.voucher.cumulative),
    channel.voucher?.signature ?? null,
    channel.closeRequestedAt,
    channel.finalized ? 1 : 0,
    channel.unsettledSince,
    channel.lastUsedAt,
    id,
  )
}
