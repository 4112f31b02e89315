import * as Account from '../../Account.ts'
import type { Channel } from '../../Channel.ts'
import type { Reorg } from '../../Reorg.ts'
import { post } from '../accounts/post.ts'
import type { Books } from '../Books.ts'
import { stepBack } from '../chain/cursor.ts'
import { channelSettled } from '../channels/channel-settled.ts'
import { closeOut, reopen } from '../channels/close-out.ts'
import { needChannel } from '../channels/find-channel.ts'
import { sql } from '../sql.ts'
import { findAnchor, seen } from './anchors.ts'
import { takeDown } from './take-down.ts'

type Entry = { id: number; anchor: number; amount: string }

/** Settlements of a channel that stand in the books and are still watched, in the order of booking. */
const settlements = sql<[channel: string], Entry>`
  SELECT transfers.id, anchors.id AS anchor, transfers.amount FROM anchors
  JOIN transfers ON transfers.chain_id = anchors.chain_id AND transfers.tx = anchors.tx
    AND transfers.tx IS NOT NULL AND transfers.reversed_by IS NULL
  WHERE anchors.subject = ? AND anchors.kind = 'settle' AND anchors.state <> 'final'
    AND transfers.kind = 'settle' AND transfers.channel_id = anchors.subject
  ORDER BY transfers.id`
const strike = sql<[by: number, id: number]>`UPDATE transfers SET reversed_by = ? WHERE id = ?`

/**
 * Some settlements of a channel are gone: from the first of them on all are taken back, and those that the chain shows are
 * booked. The watcher steps back in the same step, so that what else was settled meanwhile is read again.
 */
export function resettled(
  books: Books,
  { channel: id, gone, reason, from, now }: Reorg.Resettlement,
): Channel {
  let channel = needChannel(books, id)
  const all = books.all(settlements, channel.id)
  const first = all.findIndex(({ anchor }) => gone.includes(anchor))
  if (first !== -1) {
    channel = strikeAll(books, channel, all.slice(first))
    seen(
      books,
      all.slice(first).map(({ anchor }) => ({ id: anchor, state: 'reversed', reason })),
    )
    stepBack(books, channel.chainId, from)
  }
  for (const { cumulative, ref } of now)
    channelSettled(books, { id: channel.id, cumulative, ref, now: books.clock.now() })
  return needChannel(books, channel.id)
}

function strikeAll(books: Books, channel: Channel, entries: readonly Entry[]): Channel {
  const { asset } = channel
  const at = books.clock.now()
  const own = Account.channel(channel.id)
  let settled = channel.settled
  for (const { id, amount } of entries) {
    const taken = BigInt(amount)
    const entry = { debit: own, credit: Account.treasury, asset, channel: channel.id, at } as const
    const by = post(books, { ...entry, amount: taken, kind: 'reversal' })
    books.run(strike, by ?? 0, id)
    settled -= taken
  }
  const now = takeDown(books, { ...channel, settled })
  // Of one that pays nothing more it is lost, until it is settled again.
  if (now.finalized) closeOut(books, now, at)
  return needChannel(books, channel.id)
}

/** The close of a channel is gone: what was booked away by it is there again. */
export function reopened(books: Books, request: Reorg.Reopening): Channel | null {
  const { anchor: id, reason, closeRequestedAt } = request
  const anchor = findAnchor(books, id)
  if (anchor?.kind !== 'close' || anchor.state === 'final') return null
  const channel = needChannel(books, anchor.subject as Channel['id'])
  seen(books, [{ id, state: 'reversed', reason }])
  if (!channel.finalized) return channel
  reopen(books, channel, books.clock.now())
  return takeDown(books, { ...channel, finalized: false, closeRequestedAt })
}
