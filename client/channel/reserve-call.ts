import type { Hex } from 'viem'
import { highest, lowest } from '../bigint.ts'
import type { Call } from '../Call.ts'
import type { Context } from '../Context.ts'
import { countPayment } from '../count-payment.ts'
import type { ChannelOffer } from '../offers/Offer.ts'
import * as Spending from '../policy/Spending.ts'
import type { State } from '../store/State.ts'
import * as Channel from './Channel.ts'

/**
 * Gives the call its number on an open channel, counts it, and makes both durable: one step, over all processes on this
 * store. @throws {PaymentRefusedError}
 */
export function reserveCall(context: Context, call: Call, offer: ChannelOffer, channelId: Hex) {
  return context.store.update((state): Channel.reserve.Result | { outcome: 'gone' } => {
    const channel = state.channels[channelId]
    if (channel === undefined || channel.state !== 'open') return { outcome: 'gone' }
    const reserved = countReserved(context, state, call, offer, channel)
    if (reserved.outcome === 'reserved')
      state.channels[channelId] = { ...reserved.channel, url: call.url.href, method: call.method }
    return reserved
  })
}

/** The channel with the call's number, counted against the limits. @param state its counters are changed in place. */
export function countReserved(
  context: Context,
  state: State,
  call: Call,
  offer: ChannelOffer,
  channel: Channel.Channel,
): Channel.reserve.Result {
  const reserved = Channel.reserve(channel, {
    key: call.idempotencyKey,
    price: offer.amount,
    minDelta: offer.minVoucherDelta,
    ahead: aheadOf(context, state, call, offer),
    now: context.clock.now(),
  })
  if (reserved.outcome === 'reserved') {
    const { increase, ahead } = reserved
    countPayment(context, state, { url: call.url, offer, increase, ahead })
  }
  return reserved
}

/** The most that a voucher for this call may say more, for calls to come: no limit is in their way, and this call's own comes first. */
function aheadOf(context: Context, state: State, call: Call, offer: ChannelOffer): bigint {
  const { limits, voucherCalls } = context
  if (voucherCalls <= 1) return 0n
  const { chainId, token, amount } = offer
  const now = context.clock.now()
  const left = Spending.left(state, { chainId, token, host: call.url.host, now }, limits)
  const most = lowest(amount * BigInt(voucherCalls - 1), limits.ahead ?? limits.perCall)
  return lowest(most, highest(left - highest(amount, offer.minVoucherDelta), 0n))
}
