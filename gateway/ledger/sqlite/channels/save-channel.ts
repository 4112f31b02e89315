import type { Channel } from '../../Channel.ts'
import { ChannelNotFoundError } from '../../errors.ts'
import type { Books } from '../Books.ts'
import { booksOf, setBooks } from '../working-set/channels.ts'

/**
 * Keeps what changes in a channel's life; it is written with the group. What is reserved is changed by `reserve`, and the
 * vouchers by `addVoucher`.
 */
export function saveChannel(books: Books, channel: Channel): void {
  const { deposit, settled, accepted, spent } = channel
  const { closeRequestedAt, finalized, unsettledSince, lastUsedAt } = channel
  const known = booksOf(books, channel.id)
  if (known === null) throw new ChannelNotFoundError(channel.id)
  setBooks(books, {
    ...known,
    channel: {
      ...known.channel,
      deposit,
      settled,
      accepted,
      spent,
      closeRequestedAt,
      finalized,
      unsettledSince,
      lastUsedAt,
    },
  })
}
