import type { Hex } from 'viem'
import type { Channel } from '../../Channel.ts'
import type { Books } from '../Books.ts'
import { sql } from '../sql.ts'

const follow = sql<
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
const use = sql<
  [
    accepted: string,
    spent: string,
    voucherCumulative: string | null,
    voucherSignature: string | null,
    lastUsedAt: number,
    id: string,
  ]
>`
  UPDATE channels SET accepted = ?, spent = ?, voucher_cumulative = ?, voucher_signature = ?, last_used_at = ?
  WHERE id = ?`

/** Writes what changes in a channel's life. The schema refuses what breaks law 3. */
export function writeChannel(books: Books, id: Hex, channel: Channel, stored: Channel | undefined): void {
  const { voucher } = channel
  const accepted = String(channel.accepted)
  const spent = String(channel.spent)
  const cumulative = voucher === null ? null : String(voucher.cumulative)
  const signature = voucher?.signature ?? null
  // A call changes nothing that an index has; a statement that names such a column writes the index anew.
  if (stored !== undefined && isOnlyUsed(channel, stored)) {
    books.write(use, accepted, spent, cumulative, signature, channel.lastUsedAt, id)
    return
  }
  books.write(
    follow,
    String(channel.deposit),
    String(channel.settled),
    accepted,
    spent,
    cumulative,
    signature,
    channel.closeRequestedAt,
    channel.finalized ? 1 : 0,
    channel.unsettledSince,
    channel.lastUsedAt,
    id,
  )
}

function isOnlyUsed(channel: Channel, stored: Channel): boolean {
  return (
    channel.deposit === stored.deposit &&
    channel.settled === stored.settled &&
    channel.closeRequestedAt === stored.closeRequestedAt &&
    channel.finalized === stored.finalized &&
    channel.unsettledSince === stored.unsettledSince
  )
}
