import type { Hex } from 'viem'
import type { Channel } from '../../Channel.ts'
import { ChannelNotFoundError } from '../../errors.ts'
import type { Books } from '../Books.ts'
import { booksOf } from '../working-set/channels.ts'

/** One channel. */
export function findChannel(books: Books, id: Hex): Channel | null {
  return booksOf(books, id)?.channel ?? null
}

/** One channel that must be there. */
export function needChannel(books: Books, id: Hex): Channel {
  const channel = findChannel(books, id)
  if (channel === null) throw new ChannelNotFoundError(id)
  return channel
}
