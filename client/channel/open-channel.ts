import { type Hex, zeroAddress } from 'viem'
import * as Authorization from '../../gateway/protocol/Authorization.ts'
import * as Credential from '../../gateway/protocol/mpp/Credential.ts'
import { channelId } from '../../gateway/protocol/Voucher.ts'
import { highest, lowest } from '../bigint.ts'
import type { Call } from '../Call.ts'
import type { Context } from '../Context.ts'
import { unixSeconds } from '../clock.ts'
import { did, wire } from '../credential-parts.ts'
import { ChannelError, PaymentRefusedError } from '../errors.ts'
import type { ChannelOffer } from '../offers/Offer.ts'
import * as Spending from '../policy/Spending.ts'
import { random32 } from '../random32.ts'
import type { State } from '../store/State.ts'
import { tokenDomain } from '../token-domain.ts'
import * as Channel from './Channel.ts'
import { openOnchain } from './onchain.ts'
import { countReserved } from './reserve-call.ts'
import { find, slotOf } from './slot.ts'
import { signVoucher } from './voucher.ts'

/** Seconds that a signed opening stays usable. */
const lifetime = 600n

/** Calls that a deposit is for when the server suggests none. */
const defaultCalls = 100n

/** What opening led to: the header that opens and pays, or nothing to open any more. */
export type Opening =
  | { outcome: 'exists' }
  | { outcome: 'opening'; channel: Channel.Channel; headers: Record<string, string> }

/**
 * Prepares the opening of a channel whose first voucher pays this call (draft-evm-session-00, "Open Payload"). The salt
 * is in the store before anything is signed, so that an opening that was interrupted is repeated and not doubled.
 * @throws {PaymentRefusedError}
 */
export async function openChannel(context: Context, call: Call, offer: ChannelOffer): Promise<Opening> {
  const salt = random32()
  const planned = await context.store.update((state) => plan(context, state, call, offer, salt))
  if (planned.outcome === 'exists') return planned
  const { channel, cumulative } = planned
  const funding = offer.funding.includes('authorization')
    ? await authorized(context, call, offer, channel)
    : { type: 'hash', hash: await openOnchain(context, channel) }
  const voucherSignature = await signVoucher(context, channel, cumulative)
  const shared = {
    action: 'open',
    channelId: channel.channelId,
    cumulativeAmount: cumulative.toString(),
    salt: channel.salt,
  }
  const payload =
    funding.type === 'hash'
      ? { ...shared, ...funding, signature: voucherSignature }
      : { ...shared, ...funding, voucherSignature }
  return {
    outcome: 'opening',
    channel,
    headers: {
      Authorization: Credential.serialize({
        challenge: offer.challenge,
        source: did(offer.chainId, context.address),
        payload,
      }),
    },
  }
}

type Planned = { outcome: 'exists' } | { outcome: 'planned'; channel: Channel.Channel; cumulative: bigint }

/** Finds or makes the channel's record and its first number. Changes the state in place. */
function plan(context: Context, state: State, call: Call, offer: ChannelOffer, salt: Hex): Planned {
  const slot = slotOf(context, call.url.origin, offer)
  const found = find(state, slot)
  if (found?.state === 'open') return { outcome: 'exists' }
  if (found !== undefined && Channel.isOpeningOver(found, context.clock.now())) {
    state.channels[found.channelId] = { ...found, state: 'open' }
    return { outcome: 'exists' }
  }
  if (found === undefined) Spending.countOpening(state, slot.origin, context.clock.now())
  const record = found ?? create(context, call, offer, slot, salt)
  const reserved = countReserved(context, state, call, offer, record)
  if (reserved.outcome === 'short')
    throw new ChannelError({
      code: 'channel-opening',
      message: `Channel ${record.channelId} is still being opened and its deposit is too small for this call.`,
      fix: 'repeat the call when the opening is decided.',
    })
  state.channels[record.channelId] = reserved.channel
  return { outcome: 'planned', channel: reserved.channel, cumulative: reserved.cumulative }
}

function create(
  context: Context,
  call: Call,
  offer: ChannelOffer,
  slot: Channel.Slot,
  salt: Hex,
): Channel.Channel {
  const cap = context.limits.deposit ?? context.limits.perDay
  const wanted = offer.suggestedDeposit ?? offer.amount * defaultCalls
  const least = highest(offer.amount, offer.minVoucherDelta)
  const deposit = lowest(highest(wanted, least), cap)
  if (deposit < least)
    throw new PaymentRefusedError({
      code: 'limit-deposit',
      rule: 'limits.deposit',
      message: `The first voucher is of ${least} base units; a channel may hold ${cap}.`,
      fix: 'raise limits.deposit, or pay with rail charge.',
    })
  return {
    ...slot,
    channelId: channelId({ ...slot, salt }),
    url: call.url.href,
    method: call.method,
    salt,
    validBefore: offer.funding.includes('authorization') ? unixSeconds(context.clock) + lifetime : undefined,
    state: 'opening',
    deposit,
    signed: 0n,
    accepted: 0n,
    spent: 0n,
    uncertain: 0n,
    reserved: {},
  }
}

/** EIP-3009 `receiveWithAuthorization` to the escrow, its nonce bound to the channel's parameters. */
async function authorized(context: Context, call: Call, offer: ChannelOffer, channel: Channel.Channel) {
  const { salt, validBefore, payee, token } = channel
  if (salt === undefined || validBefore === undefined)
    throw new ChannelError({
      code: 'channel-opening',
      message: `Channel ${channel.channelId} has no salt to open it with.`,
      fix: 'recover the channels.',
    })
  const message: Authorization.Authorization = {
    from: context.address,
    to: channel.escrow,
    value: channel.deposit,
    validAfter: 0n,
    validBefore,
    nonce: Authorization.openNonce({
      from: context.address,
      payee,
      token,
      salt,
      authorizedSigner: zeroAddress,
    }),
  }
  const domain = await tokenDomain(context, offer, call.url.origin)
  const signature = await context.signing.authorization('receive', domain, message)
  return { type: 'authorization', authorization: wire(message), signature }
}
