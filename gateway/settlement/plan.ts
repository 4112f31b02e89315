import type { Address } from 'viem'
import type { Settlement } from '../chain/EscrowCalls.ts'
import type { AcceptedVoucher, Channel } from '../ledger/Channel.ts'
import type { DueReason } from './due.ts'

/** What to do about one channel. */
export type Plan = {
  action: 'settle' | 'close'
  token: Address
  reason: DueReason
  settlement: Settlement
}

/**
 * Decides what is brought to the chain for a channel that is due; null when no voucher would move anything. A channel
 * whose payer asks to close is closed, with the lowest voucher that covers everything spent (`final`); while calls on it
 * are still running it is settled instead, so that what they will have cost can follow. Calls that wait for a settlement
 * would wait for ever where no voucher covers exactly what was spent: there the next one above it is brought, and what it
 * says more becomes credit. Pure.
 */
export function plan(
  channel: Channel,
  reason: DueReason,
  vouchers: { spent: AcceptedVoucher | null; final: AcceptedVoucher | null },
): Plan | null {
  const action = reason === 'close-requested' && channel.reserved === 0n ? 'close' : 'settle'
  const moves = vouchers.spent !== null && vouchers.spent.cumulative > channel.settled
  const final = action === 'close' || (reason === 'exposure' && !moves)
  const voucher = final ? vouchers.final : vouchers.spent
  if (voucher === null || voucher.cumulative <= channel.settled) return null
  return { action, token: channel.token, reason, settlement: { channelId: channel.id, ...voucher } }
}

/**
 * The voucher of a cooperative close: the lowest at hand that covers what was spent, else the best there is. When nothing
 * is owed, or it is not above what is settled, the close moves nothing to us and needs no signature. Pure.
 */
export function finalSettlement(channel: Channel, vouchers: readonly (AcceptedVoucher | null)[]): Settlement {
  const known = channel.spent > channel.settled ? vouchers.filter((voucher) => voucher !== null) : []
  const rising = known.sort((a, b) => (a.cumulative < b.cumulative ? -1 : 1))
  const best = rising.find(({ cumulative }) => cumulative >= channel.spent) ?? rising.at(-1)
  if (best === undefined || best.cumulative <= channel.settled)
    return { channelId: channel.id, cumulative: channel.settled, signature: '0x' }
  return { channelId: channel.id, cumulative: best.cumulative, signature: best.signature }
}

/** Groups settlements for as few transactions as possible: by token, at most `most` in each. Pure. */
export function batches(plans: readonly Plan[], most: number): Plan[][] {
  const byToken = Map.groupBy(plans, ({ token }) => token)
  return [...byToken.values()].flatMap((group) => {
    const chunks: Plan[][] = []
    for (let start = 0; start < group.length; start += most) chunks.push(group.slice(start, start + most))
    return chunks
  })
}
