import type { Hex } from 'viem'
import type { Channel } from '../../ledger/Channel.ts'
import type { Ledger } from '../../ledger/Ledger.ts'

/** What the request path asks of settlement about how much may be unsettled. */
export type Exposure = {
  /** The caps of a channel: lower when a contract confirms its vouchers. Null: none are configured for its token. */
  capsOf(channel: Pick<Channel, 'signer' | 'token'>): Promise<Ledger.Caps | null>
  /** Brings this channel, or all of them, to the chain now. Returns at once. */
  settleFirst(channel: Hex | 'all'): void
}
