import type { Hex } from 'viem'
import type { Channel } from '../../Channel.ts'
import type { Ledger } from '../../Ledger.ts'
import type { Books } from '../Books.ts'
import { anchor } from '../reorg/anchors.ts'
import { sql } from '../sql.ts'
import { closeOut } from './close-out.ts'
import { needChannel } from './find-channel.ts'
import { saveChannel } from './save-channel.ts'

const closing = sql<[channel: string], { one: number }>`
  SELECT 1 AS one FROM intent_subjects JOIN intents ON intents.id = intent_subjects.intent_id
  WHERE intent_subjects.subject = ? AND intents.kind = 'close' AND intents.state IN ('intended', 'sent') LIMIT 1`

/**
 * Follows the chain: the payer asked to close (Unix seconds), or no longer does (null). While a transaction of ours is out
 * that closes it, whichever process sent it, the mark stays: what a call spent beside it could not be settled any more.
 */
export function closeRequested(books: Books, id: Hex, at: number | null): Channel {
  const known = needChannel(books, id)
  if (at === null && books.get(closing, known.id) !== null) return known
  const channel = { ...known, closeRequestedAt: at }
  saveChannel(books, channel)
  return channel
}

/** Follows the chain: closed, by this log. */
export function channelFinalized(books: Books, id: Hex, ref?: Ledger.ChainRef): Channel {
  const channel = needChannel(books, id)
  if (ref !== undefined)
    anchor(books, { kind: 'close', subject: channel.id, asset: channel.asset, amount: channel.deposit }, ref)
  if (channel.finalized) return channel
  saveChannel(books, { ...channel, finalized: true })
  closeOut(books, channel, books.clock.now())
  return needChannel(books, id)
}
