import type { Hex } from 'viem'
import type { Call } from '../Call.ts'
import type { Context } from '../Context.ts'
import type { ChannelOffer } from '../offers/Offer.ts'
import { readOffers } from '../offers/read-offers.ts'
import * as Problem from '../Problem.ts'
import { chooseOffer } from '../policy/choose-offer.ts'
import { type Paid, readReceipt } from '../receipt.ts'
import { report } from '../report.ts'
import * as Channel from './Channel.ts'
import { name, slotOf } from './slot.ts'

/** What became of a call paid from a channel; `again` is the offer to pay with once more, after a correction. */
export type Settled = { response: Response; again?: ChannelOffer | undefined }

/** Problems that paying again does not cure. */
const final = new Set([
  'invalid-signature',
  'signer-mismatch',
  'malformed-credential',
  'transaction-reverted',
])

/** Reads the answer to a paid call and writes down what it means for the channel. */
export async function settleCall(
  context: Context,
  call: Call,
  offer: ChannelOffer,
  channelId: Hex,
  response: Response,
): Promise<Settled> {
  if (response.status === 402) return refused(context, call, offer, channelId, response)
  if (response.status === 410) return gone(context, call, offer, channelId, response)
  const { channels } = await context.store.read()
  const signed = channels[channelId]?.signed ?? 0n
  const paid = await readReceipt(context, response, {
    origin: call.url.origin,
    rail: 'channel',
    amount: offer.amount,
    chainId: offer.chainId,
    token: offer.token,
    channel: { channelId, signed },
  })
  if (paid === undefined) {
    await release(context, call, channelId, response)
    return { response }
  }
  await deliver(context, call, channelId, paid)
  remember(context, call, offer)
  report(context, call, offer, paid, { channelId })
  return { response }
}

/** The key under which a resource's last offer is remembered. */
export function resource(call: Call): string {
  return `${call.method} ${call.url.origin}${call.url.pathname}`
}

/** What a caller pays who is signed in otherwise may be its own price, so only plain calls are remembered. */
function remember(context: Context, call: Call, offer: ChannelOffer): void {
  if (call.headers.has('Authorization')) return
  if (context.offers.size >= 1_000) context.offers.clear()
  context.offers.set(resource(call), offer)
}

function deliver(context: Context, call: Call, channelId: Hex, paid: Paid): Promise<void> {
  const repeated = paid.paymentId !== undefined && context.counted.has(paid.paymentId)
  if (paid.paymentId !== undefined) {
    const oldest = context.counted.values().next()
    if (context.counted.size >= 10_000 && !oldest.done) context.counted.delete(oldest.value)
    context.counted.add(paid.paymentId)
  }
  return change(context, channelId, (channel) =>
    Channel.delivered(channel, {
      key: call.idempotencyKey,
      cost: repeated ? 0n : paid.amount,
      accepted: paid.accepted,
      spent: paid.spent,
      now: context.clock.now(),
    }),
  )
}

/** No receipt: nothing was charged. An opening that got any such answer is taken to have happened; 410 corrects it. */
async function release(context: Context, call: Call, channelId: Hex, response: Response): Promise<void> {
  const reverted =
    response.status === 409 && Problem.code(await Problem.read(response)) === 'transaction-reverted'
  await change(context, channelId, (channel) => ({
    ...Channel.released(channel, call.idempotencyKey),
    state:
      channel.state !== 'opening'
        ? channel.state
        : reverted
          ? 'lost'
          : response.status >= 500
            ? 'open'
            : 'opening',
  }))
}

/** 402 to a voucher: the gateway says where it stands, and its fresh challenges say what it wants now. */
async function refused(
  context: Context,
  call: Call,
  offer: ChannelOffer,
  channelId: Hex,
  response: Response,
): Promise<Settled> {
  context.offers.delete(resource(call))
  const problem = await Problem.read(response)
  const opening = await context.store.update((state) => {
    const channel = state.channels[channelId]
    if (channel === undefined) return true
    const after = Channel.refused(channel, call.idempotencyKey)
    const { channel: claimed } = problem
    state.channels[channelId] =
      claimed?.channelId === channelId
        ? Channel.corrected(
            after,
            { accepted: claimed.acceptedCumulative, spent: claimed.spent, deposit: claimed.deposit },
            context.clock.now(),
          )
        : after
    return channel.state === 'opening'
  })
  if (opening || final.has(Problem.code(problem))) return { response }
  return { response, again: await fresh(context, call, offer, response) }
}

/** The fresh offer for the same slot. @throws {PaymentRefusedError} the new terms break a rule. */
async function fresh(
  context: Context,
  call: Call,
  offer: ChannelOffer,
  response: Response,
): Promise<ChannelOffer | undefined> {
  const read = readOffers(response.headers, context.clock.now())
  if (read === undefined) return undefined
  const slot = name(slotOf(context, call.url.origin, offer))
  const offers = read.offers.filter(
    (other) => other.rail === 'channel' && name(slotOf(context, call.url.origin, other)) === slot,
  )
  if (offers.length === 0) return undefined
  const { pins } = await context.store.read()
  const seen = pins[call.url.origin]
  const rules = { rails: ['channel'] as const, limits: context.limits, pins: context.pins, seen }
  const chosen = chooseOffer({ offers, rejected: [] }, { ...rules, onchain: context.chain !== undefined })
  return chosen.rail === 'channel' ? chosen : undefined
}

/** 410: the gateway knows no such channel, or it is closed. One that was never confirmed is opened again as it was. */
async function gone(
  context: Context,
  call: Call,
  offer: ChannelOffer,
  channelId: Hex,
  response: Response,
): Promise<Settled> {
  const finalized = Problem.code(await Problem.read(response)) === 'channel-finalized'
  const wasOpen = await context.store.update((state) => {
    const channel = state.channels[channelId]
    if (channel === undefined) return false
    const unconfirmed =
      channel.accepted === 0n &&
      channel.salt !== undefined &&
      channel.state === 'open' &&
      !Channel.isOpeningOver(channel, context.clock.now())
    state.channels[channelId] = {
      ...Channel.refused(channel, call.idempotencyKey),
      state: finalized ? 'closed' : unconfirmed ? 'opening' : 'lost',
    }
    return channel.state === 'open'
  })
  return { response, again: wasOpen ? offer : undefined }
}

function change(
  context: Context,
  channelId: Hex,
  next: (channel: Channel.Channel) => Channel.Channel,
): Promise<void> {
  return context.store.update((state) => {
    const channel = state.channels[channelId]
    if (channel !== undefined) state.channels[channelId] = next(channel)
  })
}
