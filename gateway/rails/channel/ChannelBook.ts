import type { Hex } from 'viem'
import type { Chain } from '../../chain/Chain.ts'
import type { AcceptedVoucher } from '../../ledger/Channel.ts'

/** What the request path asks of settlement about channels. Everything booked comes from mined escrow logs. */
export type ChannelBook = {
  /** Books what a mined transaction of ours did to channels. */
  apply(mined: Chain.Mined): Promise<void>
  /**
   * Books what a caller's own transaction did to a channel, once it is deep enough and really did it.
   * `pending`: not mined, or not deep enough yet.
   */
  follow(hash: Hex, channelId: Hex): Promise<'booked' | 'pending' | 'reverted' | 'not-ours'>
  /** Settles what is owed and closes. The voucher given, or the best one held, is the final one. */
  close(channelId: Hex, voucher?: AcceptedVoucher): Promise<ChannelBook.CloseOutcome>
}

export declare namespace ChannelBook {
  type CloseOutcome =
    | { status: 'closed'; transaction: Hex }
    | { status: 'refused'; reason: string }
    | { status: 'unknown'; transaction: Hex | null; reason: string }
}
