import * as Account from '../../Account.ts'
import * as Amount from '../../Amount.ts'
import { available, type Channel } from '../../Channel.ts'
import { ChainReferenceError } from '../../errors.ts'
import type { Ledger } from '../../Ledger.ts'
import { post } from '../accounts/post.ts'
import type { Books } from '../Books.ts'
import { entryByRef } from '../chain/entries.ts'
import { provenBySettlement } from '../reorg/deposit.ts'
import { bookVoucher } from './book-voucher.ts'
import { closeOut, reopen } from './close-out.ts'
import { needChannel } from './find-channel.ts'
import { moveHolds } from './move-holds.ts'
import { saveChannel } from './save-channel.ts'
import { unsettledSince } from './spending.ts'
import { prune } from './vouchers.ts'

/**
 * Follows the chain: `cumulative` is settled. What was never booked is accepted first, what exceeds `spent` becomes
 * credit of the payer's wallet, and the difference to what was settled before moves treasury → channel.
 */
export function channelSettled(books: Books, settled: Ledger.ChannelSettled): Channel {
  const { cumulative, ref, now } = settled
  Amount.check(cumulative)
  let channel = needChannel(books, settled.id)
  const booked = entryByRef(books, ref)
  if (booked !== null && booked.channel_id !== channel.id)
    throw new ChainReferenceError(ref, `is booked for ${booked.payment_id ?? booked.channel_id}`)
  if (booked !== null || cumulative <= channel.settled) return channel

  channel = provenBySettlement(books, channel, cumulative)
  if (channel.finalized) reopen(books, channel, now)
  channel = { ...channel, deposit: Amount.greater(channel.deposit, cumulative) }
  if (cumulative > channel.accepted)
    channel = bookVoucher(books, channel, { cumulative, signature: null }, now)
  if (cumulative > channel.spent) channel = convert(books, channel, cumulative - channel.spent, now)
  post(books, {
    debit: Account.treasury,
    credit: Account.channel(channel.id),
    asset: channel.asset,
    amount: cumulative - channel.settled,
    kind: 'settle',
    channel: channel.id,
    ref,
    at: now,
  })
  channel = { ...channel, settled: cumulative }
  channel = { ...channel, unsettledSince: unsettledSince(books, channel) }
  saveChannel(books, channel)
  prune(books, channel)
  if (channel.finalized) closeOut(books, channel, now)
  return needChannel(books, channel.id)
}

/** Prepaid value that was settled and not spent becomes credit of the payer's wallet: that is how it is spent. */
function convert(books: Books, channel: Channel, excess: bigint, now: number): Channel {
  const inFlight = moveHolds(books, channel, excess - available(channel))
  post(books, {
    debit: Account.prepaid(channel.id),
    credit: Account.wallet(channel.payer),
    asset: channel.asset,
    amount: excess,
    kind: 'convert',
    channel: channel.id,
    at: now,
  })
  inFlight.again()
  return { ...channel, spent: channel.spent + excess }
}
