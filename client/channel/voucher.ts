import type { Hex } from 'viem'
import * as Voucher from '../../gateway/protocol/Voucher.ts'
import type { Context } from '../Context.ts'
import type { Channel } from './Channel.ts'

/** Signs a voucher. The amount must be durable in the store before. */
export function signVoucher(context: Context, channel: Channel, cumulativeAmount: bigint): Promise<Hex> {
  const domain = { chainId: channel.chainId, escrow: channel.escrow }
  return context.account.signTypedData(
    Voucher.typedData(domain, { channelId: channel.channelId, cumulativeAmount }),
  )
}
