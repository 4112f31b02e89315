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
  /**
   * `signed`: some was signed ahead, for calls to come. `claimed`: the gateway has taken it without a call of ours, and gets
   * nothing ahead any more.
   */
  ahead: z.optional(z.enum(['signed', 'claimed'])),
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

/**
 * The channel with its number for one more call, or the reason why there is none. A call that what is signed pays for gets
 * the number that is signed; another gets a new one, raised for calls to come by as much of `ahead` as the deposit has.
 * Does not change its input.
 */
export function reserve(channel: Channel, call: reserve.Call): reserve.Result {
  const again = channel.reserved[call.key]
  if (again !== undefined && again.amount === call.price)
    return { outcome: 'reserved', channel, cumulative: again.cumulative, increase: 0n, ahead: 0n }
  const reserved = without(channel.reserved, call.key)
  const needed = channel.spent + inFlight(reserved) + call.price
  const isSigned = needed <= channel.signed
  const least = isSigned ? channel.signed : highest(needed, channel.signed + call.minDelta)
  if (least > channel.deposit) return { outcome: 'short', missing: least - channel.deposit }
  const ahead = isSigned || channel.ahead === 'claimed' ? 0n : wholeCalls(call, channel.deposit - least)
  const cumulative = least + ahead
  return {
    outcome: 'reserved',
    cumulative,
    increase: cumulative - channel.signed,
    ahead,
    channel: {
      ...channel,
      signed: cumulative,
      ahead: ahead > 0n ? 'signed' : channel.ahead,
      reserved: { ...reserved, [call.key]: { amount: call.price, cumulative, at: call.now } },
    },
  }
}

export declare namespace reserve {
  type Call = {
    key: string
    price: bigint
    minDelta: bigint
    /** The most that may be signed for calls to come. */
    ahead: bigint
    now: number
  }
  /** `ahead` is the part of `increase` that is for calls to come. */
  type Result =
    | { outcome: 'reserved'; channel: Channel; cumulative: bigint; increase: bigint; ahead: bigint }
    | { outcome: 'short'; missing: bigint }
}

/** What is left over by less than a call pays for none. */
function wholeCalls({ ahead, price }: reserve.Call, room: bigint): bigint {
  const most = lowest(ahead, room)
  return price > 0n && most > 0n ? most - (most % price) : 0n
}

/** What calls without an answer may cost. */
export function inFlight(reserved: Channel['reserved']): bigint {
  return Object.values(reserved).reduce((sum, { amount }) => sum + amount, 0n)
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
 * voucher would give it the difference. What was signed ahead it could take anyway: that is followed once, and no more is
 * signed ahead. So what is signed never exceeds the prices of the calls that were made and what may be signed ahead.
 */
export function corrected(channel: Channel, claimed: Claimed, now: number): Channel {
  const after = forgetStale(channel, now)
  return {
    ...giveUpAhead(follow(after, claimed.spent), claimed.spent ?? 0n),
    accepted: lowest(claimed.accepted ?? channel.accepted, channel.signed),
    deposit: claimed.deposit ?? channel.deposit,
  }
}

/** A seller that settles more than was spent (because it had to, or because it could) has taken what was signed ahead. */
function giveUpAhead(channel: Channel, claimed: bigint): Channel {
  const { spent, signed, ahead } = channel
  const unexplained = claimed - spent - inFlight(channel.reserved)
  if (unexplained <= 0n || ahead !== 'signed') return channel
  const free = signed - spent - inFlight(channel.reserved)
  return { ...channel, spent: spent + highest(lowest(unexplained, free), 0n), ahead: 'claimed' }
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
