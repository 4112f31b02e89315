import type { Context } from '../Context.ts'
import type { ChannelOffer } from '../offers/Offer.ts'
import type { State } from '../store/State.ts'
import * as Channel from './Channel.ts'

/** The slot that an offer of an origin falls into, for this wallet. */
export function slotOf(context: Context, origin: string, offer: ChannelOffer): Channel.Slot {
  const { chainId, escrow, payee, token } = offer
  return { payer: context.address, origin, chainId, escrow, payee, token }
}

/** A channel that can be used in the slot: an open one before one whose opening is under way. */
export function find(state: State, slot: Channel.Slot): Channel.Channel | undefined {
  const fitting = Object.values(state.channels).filter((channel) => Channel.fits(channel, slot))
  return fitting.find(({ state }) => state === 'open') ?? fitting.find(({ state }) => state === 'opening')
}

/** The slot as a key. */
export function name(slot: Channel.Slot): string {
  return [slot.payer, slot.origin, slot.chainId, slot.escrow, slot.payee, slot.token].join(' ')
}
