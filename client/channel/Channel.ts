import type { Address } from 'viem'
import * as z from 'zod/mini'
import { address, amount, bytes32 } from '../../gateway/protocol/Schema.ts'
import { highest, lowest } from '../bigint.ts'

/**
 * What a payer knows about one of its channels, and the arithmetic of the next voucher. Pure: the store makes it
 * durable. Amounts in base units.
 */
export const schema = z.object({
  channelId: bytes32,
  chainId: z.int(),
  escrow: address,
  payer: address,
  payee: address,
  token: address,
  /** Whose resources it pays. */
  origin: z.string(),
  /** A resource it has paid for: where to ask for a challenge when closing. */
  url: z.string(),
  method: z.string(),
  /** Salt of the opening; missing when the channel was recovered. */
  salt: z.optional(bytes32),
  /** Unix seconds after which the signed opening can no longer be used. */
  validBefore: z.optional(amount),
  /** `opening` until an answer tells that it exists; `lost` when the gateway denies it. */
  state: z.enum(['opening', 'open', 'closed', 'lost']),
  deposit: amount,
  /** The highest cumulative amount ever signed: the most that can be taken. Durable before a voucher leaves. */
  signed: amount,
  /** The highest that the gateway said it holds. */
  accepted: amount,
  /** What delivered calls have cost, by our own count of receipts. */
  spent: amount,
  /** What calls without a receipt would have cost: the most by which the gateway's count may exceed ours. */
  uncertain: amount,
  /** Calls whose cost is not known yet, by idempotency key. */
  reserved: z.record(z.string(), z.object({ amount, cumulative: amount, at: z.number() })),
  /** A top-up that was signed and not confirmed; repeated as it is, so that it cannot happen twice. */
  topUp: z.optional(z.object({ salt: bytes32, additional: amount, validBefore: amount })),
})
export type Channel = z.infer<typeof schema>

/** Where a channel can be used: one per wallet, origin and terms. */
export type Slot = {
  payer: Address
  origin: string
  chainId: number
  escrow: Address
  payee: Address
  token: Address
}

/** True when the channel pays exactly this. */
export function fits(channel: Channel, slot: Slot): boolean {
  return (
    channel.payer === slot.payer &&
    channel.origin === slot.origin &&
    channel.chainId === slot.chainId &&
    channel.escrow === slot.escrow &&
    channel.payee === slot.payee &&
    channel.token === slot.token
  )
}

/**
 * True when the signed opening can no longer be used. Whether it was used in time is then asked with a voucher: the
 * gateway answers it or denies the channel.
 */
export function isOpeningOver(channel: Channel, now: number): boolean {
  return channel.validBefore !== undefined && channel.validBefore * 1000n <= BigInt(Math.floor(now))
}

/** Milliseconds after which a call without an answer no longer counts as in flight. */
const staleAfter = 10 * 60_000

/** The channel with its number for one more call, or the reason why there is none. Does not change its input. */
export function reserve(
  channel: Channel,
  call: { key: string; price: bigint; minDelta: bigint; now: number },
): reserve.Result {
  const again = channel.reserved[call.key]
  if (again !== undefined && again.amount === call.price)
    return { outcome: 'reserved', channel, cumulative: again.cumulative, increase: 0n }
  const others = Object.entries(channel.reserved).filter(([key]) => key !== call.key)
  const inFlight = others.reduce((sum, [, { amount }]) => sum + amount, 0n)
  const needed = channel.spent + inFlight + call.price
  const cumulative =
    needed <= channel.signed ? channel.signed : highest(needed, channel.signed + call.minDelta)
  if (cumulative > channel.deposit) return { outcome: 'short', missing: cumulative - channel.deposit }
  const reservation = { amount: call.price, cumulative, at: call.now }
  return {
    outcome: 'reserved',
    cumulative,
    increase: cumulative > channel.signed ? cumulative - channel.signed : 0n,
    channel: {
      ...channel,
      signed: highest(channel.signed, cumulative),
      reserved: { ...Object.fromEntries(others), [call.key]: reservation },
    },
  }
}

export declare namespace reserve {
  type Result =
    | { outcome: 'reserved'; channel: Channel; cumulative: bigint; increase: bigint }
    | { outcome: 'short'; missing: bigint }
}

/**
 * The channel after a call was delivered for `cost`; 0 when its receipt was counted before. While nothing else is in
 * flight the gateway's own count is followed, as far as {@link corrected} follows it.
 */
export function delivered(
  channel: Channel,
  result: { key: string; cost: bigint; now: number } & Claimed,
): Channel {
  const after = forgetStale({ ...channel, reserved: without(channel.reserved, result.key) }, result.now)
  const spent = lowest(channel.spent + result.cost, channel.signed)
  const counted: Channel = {
    ...after,
    state: channel.state === 'opening' ? 'open' : channel.state,
    accepted: highest(channel.accepted, lowest(result.accepted ?? 0n, channel.signed)),
    spent,
  }
  const quiet = Object.keys(counted.reserved).length === 0
  return quiet && result.cost > 0n ? follow(counted, result.spent) : counted
}

/** What the gateway says about the channel, where it says it. */
export type Claimed = {
  accepted?: bigint | undefined
  spent?: bigint | undefined
  deposit?: bigint | undefined
}

/** The channel after the gateway refused a call for sure. Its number stays signed and is spent by a later call. */
export function refused(channel: Channel, key: string): Channel {
  return { ...channel, reserved: without(channel.reserved, key) }
}

/** The channel after an answer without a receipt: it should have cost nothing, and may have. */
export function released(channel: Channel, key: string): Channel {
  const amount = channel.reserved[key]?.amount ?? 0n
  return { ...refused(channel, key), uncertain: channel.uncertain + amount }
}

/**
 * The channel after the gateway refused a voucher and said where it stands. What it says it has charged is followed only
 * as far as calls of ours without a receipt can explain it: a gateway that claims more is not believed, for the next
 * voucher would give it the difference. So what is signed never exceeds the prices of the calls that were made.
 */
export function corrected(channel: Channel, claimed: Claimed, now: number): Channel {
  const after = forgetStale(channel, now)
  return {
    ...follow(after, claimed.spent),
    accepted: lowest(claimed.accepted ?? channel.accepted, channel.signed),
    deposit: claimed.deposit ?? channel.deposit,
  }
}

function follow(channel: Channel, claimed: bigint | undefined): Channel {
  const most = lowest(channel.spent + channel.uncertain, channel.signed)
  const spent = highest(channel.spent, lowest(claimed ?? channel.spent, most))
  return { ...channel, spent, uncertain: channel.uncertain - (spent - channel.spent) }
}

/** Calls that have had no answer for long are no longer in flight; whether they were charged is uncertain. */
function forgetStale(channel: Channel, now: number): Channel {
  const stale = Object.entries(channel.reserved).filter(([, { at }]) => now - at >= staleAfter)
  return stale.reduce((rest, [key]) => released(rest, key), channel)
}

function without(reserved: Channel['reserved'], key: string): Channel['reserved'] {
  return Object.fromEntries(Object.entries(reserved).filter(([name]) => name !== key))
}
