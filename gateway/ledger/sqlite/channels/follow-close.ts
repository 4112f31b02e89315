import type { Hex } from 'viem'
import type { Channel } from '../../Channel.ts'
import type { Books } from '../Books.ts'
import { closeOut } from './close-out.ts'
import { needChannel } from './find-channel.ts'
import { saveChannel } from './save-channel.ts'

/** Follows the chain: the payer asked to close (Unix seconds), or no longer does (null). */
export function closeRequested(books: Books, id: Hex, at: number | null): Channel {
  const channel = { ...needChannel(books, id), closeRequestedAt: at }
  saveChannel(books, channel)
  return channel
}

/** Follows the chain: closed for good. */
export function channelFinalized(books: Books, id: Hex): Channel {
  const channel = needChannel(books, id)
  if (channel.finalized) return channel
  saveChannel(books, { ...channel, finalized: true })
  closeOut(books, channel, books.clock.now())
  return needChannel(books, id)
}
