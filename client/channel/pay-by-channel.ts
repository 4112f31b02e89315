import * as Credential from '../../gateway/protocol/mpp/Credential.ts'
import type { Call } from '../Call.ts'
import type { Context } from '../Context.ts'
import type { ChannelOffer } from '../offers/Offer.ts'
import { sendPaid } from '../send-paid.ts'
import type * as Channel from './Channel.ts'
import { openChannel } from './open-channel.ts'
import { reserveCall } from './reserve-call.ts'
import { type Settled, settleCall } from './settle-call.ts'
import { find, name, slotOf } from './slot.ts'
import { topUpChannel } from './top-up-channel.ts'
import { signVoucher } from './voucher.ts'

/** How often a call is paid again after the gateway corrected our numbers. Each time the limits are asked again. */
const maxCorrections = 2

/**
 * Pays one call with a voucher, opening or topping up the channel where needed. Calls run in parallel, none waits for the
 * answer of another: each has its own number, or shares one that was signed ahead, given out and made durable in one step
 * of the store; the signatures and requests then overlap.
 * @throws {PaymentRefusedError | PaymentUnknownError | ReceiptError | ChannelError}
 */
export async function payByChannel(context: Context, call: Call, offer: ChannelOffer): Promise<Response> {
  let current = offer
  for (let corrections = 0; ; corrections++) {
    const settled = await pay(context, call, current)
    if (settled.again === undefined || corrections >= maxCorrections) return settled.response
    await settled.response.body?.cancel()
    current = settled.again
  }
}

async function pay(context: Context, call: Call, offer: ChannelOffer): Promise<Settled> {
  const slot = slotOf(context, call.url.origin, offer)
  for (;;) {
    const found = find(await context.store.read(), slot)
    if (found?.state !== 'open') {
      const opened = await context.mutex.run(`open ${name(slot)}`, () => open(context, call, offer))
      if (opened !== undefined) return opened
      continue
    }
    const reserved = await reserveCall(context, call, offer, found.channelId)
    if (reserved.outcome === 'gone') continue
    if (reserved.outcome === 'reserved')
      return spend(context, call, offer, reserved.channel, reserved.cumulative)
    await context.mutex.run(`top up ${found.channelId}`, async () => {
      const still = await reserveCall(context, call, offer, found.channelId)
      if (still.outcome === 'short') await topUpChannel(context, call, offer, found.channelId, still.missing)
    })
  }
}

/** Undefined when the channel is open already: somebody was quicker. */
async function open(context: Context, call: Call, offer: ChannelOffer): Promise<Settled | undefined> {
  const opening = await openChannel(context, call, offer)
  if (opening.outcome === 'exists') return undefined
  return sendPaid(context, call, opening.headers, (response) =>
    settleCall(context, call, offer, opening.channel.channelId, response),
  )
}

async function spend(
  context: Context,
  call: Call,
  offer: ChannelOffer,
  channel: Channel.Channel,
  cumulative: bigint,
): Promise<Settled> {
  const { channelId } = channel
  const signature = await signVoucher(context, channel, cumulative)
  const payload = { action: 'voucher', channelId, cumulativeAmount: cumulative.toString(), signature }
  const headers = { Authorization: Credential.serialize({ challenge: offer.challenge, payload }) }
  return sendPaid(context, call, headers, (response) => settleCall(context, call, offer, channelId, response))
}
