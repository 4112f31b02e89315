import type { Hex } from 'viem'
import { fromWire } from '../../gateway/protocol/Amount.ts'
import * as Credential from '../../gateway/protocol/mpp/Credential.ts'
import * as Receipt from '../../gateway/protocol/Receipt.ts'
import { lowest } from '../bigint.ts'
import type { Call } from '../Call.ts'
import type { Context } from '../Context.ts'
import { did } from '../credential-parts.ts'
import { deliver } from '../deliver.ts'
import { ChannelError } from '../errors.ts'
import { readOffers } from '../offers/read-offers.ts'
import * as Problem from '../Problem.ts'
import { plain } from '../plain.ts'
import { requireSecure } from '../require-secure.ts'
import { type Channel, corrected, inFlight } from './Channel.ts'
import { readChannel } from './onchain.ts'
import { name, slotOf } from './slot.ts'
import { signVoucher } from './voucher.ts'

/** A closed channel. Amounts in base units, where the gateway stated them. */
export type Closed = {
  channelId: Hex
  transaction: string | undefined
  /** What the payee got in all. */
  paid: bigint
  /** What comes back to the payer. */
  refunded: bigint
}

/**
 * Asks the gateway to close a channel: it pays itself what was spent and returns the rest, at once (draft-evm-session-00,
 * "Cooperative Close"). The final voucher is for what calls have cost, never above what was signed before.
 * @throws {ChannelError} the gateway refuses or does not know the channel: see {@link requestClose} for the way out.
 */
export async function closeChannel(context: Context, channelId: Hex): Promise<Closed> {
  const first = await known(context, channelId)
  requireSecure(new URL(first.url), context.allowInsecure)
  const sent = await send(context, first)
  const again = sent.response.ok ? undefined : await correct(context, first, sent)
  const { channel, owed, response } = again === undefined ? sent : await send(context, again)
  if (!response.ok) throw await refused(channel, response)
  const receipt = readClose(response, channel)
  await response.body?.cancel()
  await context.store.update((state) => {
    const current = state.channels[channelId]
    if (current !== undefined) state.channels[channelId] = { ...current, state: 'closed', reserved: {} }
  })
  const paid = (await settledOnChain(context, channel)) ?? receipt.paid ?? owed
  return { channelId, transaction: receipt.transaction, paid, refunded: channel.deposit - paid }
}

type Sent = { channel: Channel; owed: bigint; response: Response }

/** Asks for the close, with a voucher for what calls have cost. */
async function send(context: Context, channel: Channel): Promise<Sent> {
  const { channelId } = channel
  const call = resourceOf(channel)
  const offer = await challenge(context, channel, call)
  const owed = owedOn(channel)
  const signature = await signVoucher(context, channel, owed)
  const payload = { action: 'close', channelId, cumulativeAmount: owed.toString(), signature }
  const source = did(channel.chainId, context.address)
  const response = await deliver(context, call, {
    Authorization: Credential.serialize({ challenge: offer.challenge, source, payload }),
  })
  return { channel, owed, response }
}

const owedOn = ({ spent, signed, reserved }: Channel) => lowest(spent + inFlight(reserved), signed)

/** The channel as the gateway's refusal corrects it; undefined when that changes nothing about what is owed. */
async function correct(
  context: Context,
  channel: Channel,
  { owed, response }: Sent,
): Promise<Channel | undefined> {
  const { channel: claimed } = await Problem.read(response)
  const { channelId } = channel
  if (response.status !== 402 || claimed?.channelId !== channelId) return undefined
  const after = await context.store.update((state) => {
    const current = state.channels[channelId]
    if (current === undefined) return undefined
    const next = corrected(current, { spent: claimed.spent }, context.clock.now())
    state.channels[channelId] = next
    return next
  })
  if (after === undefined || owedOn(after) <= owed) return undefined
  await response.body?.cancel()
  return after
}

/** The channel from the store. @throws {ChannelError} `channel-unknown`, `channel-closed`. */
export async function known(context: Context, channelId: Hex): Promise<Channel> {
  const channel = (await context.store.read()).channels[channelId.toLowerCase()]
  if (channel === undefined || channel.payer !== context.address)
    throw new ChannelError({
      code: 'channel-unknown',
      message: `Channel ${plain(channelId, 66)} is not in the store of wallet ${context.address}.`,
      fix: 'recover the channels of its gateway first.',
    })
  if (channel.state === 'closed')
    throw new ChannelError({
      code: 'channel-closed',
      message: `Channel ${channelId} is closed already.`,
      fix: 'nothing is left to do.',
    })
  return channel
}

/** A bare call to the resource that the channel last paid for. */
export function resourceOf(channel: Channel): Call {
  return {
    url: new URL(channel.url),
    method: channel.method,
    headers: new Headers(),
    body: undefined,
    signal: undefined,
    redirect: 'manual',
    idempotencyKey: crypto.randomUUID(),
    rest: {},
  }
}

/** A fresh challenge of the channel's slot. @throws {ChannelError} `no-challenge`. */
export async function challenge(context: Context, channel: Channel, call: Call) {
  const response = await context.fetch(call.url, { method: call.method, redirect: 'manual' })
  await response.body?.cancel()
  const read = response.status === 402 ? readOffers(response.headers, context.clock.now()) : undefined
  const offer = read?.offers.find(
    (offer) =>
      offer.rail === 'channel' &&
      name(slotOf(context, call.url.origin, offer)) === name(slotOfChannel(channel)),
  )
  if (offer?.rail === 'channel') return offer
  throw new ChannelError({
    code: 'no-challenge',
    message: `${call.method} ${channel.url} answered ${response.status} without an offer for this channel.`,
    fix: 'close it by force: requestClose, then withdraw after the grace period.',
  })
}

function slotOfChannel({ payer, origin, chainId, escrow, payee, token }: Channel) {
  return { payer, origin, chainId, escrow, payee, token }
}

function readClose(
  response: Response,
  channel: Channel,
): { transaction?: string | undefined; paid?: bigint } {
  try {
    const header = response.headers.get(Receipt.header)
    if (header === null) return {}
    const { txHash, spent } = Receipt.parse(header)
    const stated = spent === undefined ? undefined : fromWire(spent)
    return stated === undefined || stated > channel.signed
      ? { transaction: txHash }
      : { transaction: txHash, paid: stated }
  } catch {
    return {}
  }
}

async function settledOnChain(context: Context, channel: Channel): Promise<bigint | undefined> {
  try {
    const onchain = await readChannel(context, channel)
    return onchain?.finalized === true ? onchain.settled : undefined
  } catch {
    return undefined
  }
}

async function refused(channel: Channel, response: Response): Promise<ChannelError> {
  const problem = await Problem.read(response)
  return new ChannelError({
    code: 'close-refused',
    message: `The gateway answered the close of ${channel.channelId} with ${response.status} ${plain(Problem.code(problem), 60)}.`,
    fix: 'try again, or close it by force: requestClose, then withdraw after the grace period.',
  })
}
