import type { Channel } from '../../Channel.ts'
import type { Books } from '../Books.ts'
import { readChannel } from './find-channel.ts'

/** Keeps what changes in a channel's life; it is written with the group. The schema refuses what breaks law 3. */
export function saveChannel(books: Books, channel: Channel): void {
  const { deposit, settled, accepted, spent, voucher } = channel
  const { closeRequestedAt, finalized, unsettledSince, lastUsedAt } = channel
  const known = readChannel(books, channel.id) ?? channel
  books.rows.channels.set(channel.id, {
    ...known,
    deposit,
    settled,
    accepted,
    spent,
    voucher,
    closeRequestedAt,
    finalized,
    unsettledSince,
    lastUsedAt,
  })
  books.writes++
}
