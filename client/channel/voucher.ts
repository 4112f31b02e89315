import type { Hex } from 'viem'
import type { Context } from '../Context.ts'
import type { Channel } from './Channel.ts'

const mostHeld = 1_000

/**
 * Signs a voucher, or gives the one that was signed last when it is of this amount. The amount must be durable in the store
 * before.
 */
export function signVoucher(context: Context, channel: Channel, cumulativeAmount: bigint): Promise<Hex> {
  const { chainId, escrow, channelId } = channel
  const { vouchers } = context
  const held = vouchers.get(channelId)
  if (held?.cumulativeAmount === cumulativeAmount) return held.signature
  const signature = context.signing.voucher({ chainId, escrow }, { channelId, cumulativeAmount })
  const fresh = { cumulativeAmount, signature }
  if (vouchers.size >= mostHeld) vouchers.clear()
  vouchers.set(channelId, fresh)
  signature.catch(() => {
    if (vouchers.get(channelId) === fresh) vouchers.delete(channelId)
  })
  return signature
}
