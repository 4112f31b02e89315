import type { Hex } from 'viem'
import * as Account from '../../Account.ts'
import type { Channel } from '../../Channel.ts'
import { post } from '../accounts/post.ts'
import type { Books } from '../Books.ts'
import { saveChannel } from './save-channel.ts'
import { addVoucher } from './vouchers.ts'

/**
 * Raises what a channel has accepted: `channel:<id>` → `prepaid:<id>`. Without a signature (the chain settled more
 * than we had booked) the amount is booked and no voucher kept. Returns the channel as it is now.
 */
export function bookVoucher(
  books: Books,
  channel: Channel,
  voucher: { cumulative: bigint; signature: Hex | null },
  now: number,
): Channel {
  const { cumulative, signature } = voucher
  post(books, {
    debit: Account.channel(channel.id),
    credit: Account.prepaid(channel.id),
    asset: channel.asset,
    amount: cumulative - channel.accepted,
    kind: 'voucher',
    channel: channel.id,
    at: now,
  })
  const raised = { ...channel, accepted: cumulative, lastUsedAt: now }
  saveChannel(books, raised)
  if (signature === null) return raised
  addVoucher(books, raised, { cumulative, signature })
  return { ...raised, voucher: { cumulative, signature } }
}
