import type { Hex } from 'viem'
import * as Authorization from '../../gateway/protocol/Authorization.ts'
import * as Credential from '../../gateway/protocol/mpp/Credential.ts'
import { highest, lowest } from '../bigint.ts'
import type { Call } from '../Call.ts'
import type { Context } from '../Context.ts'
import { unixSeconds } from '../clock.ts'
import { did, wire } from '../credential-parts.ts'
import { deliver } from '../deliver.ts'
import { ChannelError, PaymentRefusedError } from '../errors.ts'
import type { ChannelOffer } from '../offers/Offer.ts'
import * as Problem from '../Problem.ts'
import { plain } from '../plain.ts'
import * as Pins from '../policy/Pins.ts'
import { random32 } from '../random32.ts'
import type { State } from '../store/State.ts'
import { tokenDomain } from '../token-domain.ts'
import type * as Channel from './Channel.ts'
import { topUpOnchain } from './onchain.ts'

/** Seconds that a signed top-up stays usable. */
const lifetime = 600n

/**
 * Adds to a channel's deposit (draft-evm-session-00, "TopUp Payload"). A top-up that was signed before and not confirmed
 * is repeated as it was.
 * @param amount at least this much, in base units; the server's suggested deposit when that is more and allowed.
 * @throws {PaymentRefusedError} `limit-deposit`. @throws {ChannelError} `top-up-refused`.
 */
export async function topUpChannel(
  context: Context,
  call: Call,
  offer: ChannelOffer,
  channelId: Hex,
  amount: bigint,
): Promise<Channel.Channel> {
  const salt = random32()
  const channel = await context.store.update((state) =>
    plan(context, state, call, offer, channelId, amount, salt),
  )
  const { topUp } = channel
  if (topUp === undefined) return channel
  const payload = offer.funding.includes('authorization')
    ? await authorized(context, call, offer, channel, topUp)
    : {
        action: 'topUp',
        type: 'hash',
        channelId,
        hash: await topUpOnchain(context, channel, topUp.additional),
        additionalDeposit: topUp.additional.toString(),
      }
  const credential = { challenge: offer.challenge, source: did(offer.chainId, context.address), payload }
  const bare = new Headers(call.headers)
  bare.delete('Content-Type')
  const response = await deliver(
    context,
    { ...call, headers: bare, body: undefined, idempotencyKey: crypto.randomUUID() },
    { Authorization: Credential.serialize(credential) },
  )
  return settle(context, channel, topUp.additional, response)
}

/** Writes the top-up down before it is signed. Changes the state in place. */
function plan(
  context: Context,
  state: State,
  call: Call,
  offer: ChannelOffer,
  channelId: Hex,
  amount: bigint,
  salt: Hex,
): Channel.Channel {
  Pins.demand(offer, context.pins, state.pins[call.url.origin])
  const channel = state.channels[channelId]
  if (channel === undefined)
    throw new ChannelError({
      code: 'channel-unknown',
      message: `Channel ${channelId} is not in the store.`,
      fix: 'recover the channels.',
    })
  const now = unixSeconds(context.clock)
  if (channel.topUp !== undefined && channel.topUp.validBefore > now) return channel
  const cap = context.limits.deposit ?? context.limits.perDay
  const room = cap - (channel.deposit - channel.spent)
  if (room < amount)
    throw new PaymentRefusedError({
      code: 'limit-deposit',
      rule: 'limits.deposit',
      message: `The channel would hold ${channel.deposit - channel.spent + amount} base units; ${cap} are allowed.`,
      fix: 'raise limits.deposit, or close the channel.',
    })
  const wanted = highest(offer.suggestedDeposit ?? amount, amount)
  const next = {
    ...channel,
    topUp: { salt, additional: lowest(wanted, room), validBefore: now + lifetime },
  }
  state.channels[channelId] = next
  return next
}

async function authorized(
  context: Context,
  call: Call,
  offer: ChannelOffer,
  channel: Channel.Channel,
  topUp: NonNullable<Channel.Channel['topUp']>,
) {
  const { channelId } = channel
  const { additional, salt, validBefore } = topUp
  const message: Authorization.Authorization = {
    from: context.address,
    to: channel.escrow,
    value: additional,
    validAfter: 0n,
    validBefore,
    nonce: Authorization.topUpNonce({
      channelId,
      additionalDeposit: additional,
      from: context.address,
      topUpSalt: salt,
    }),
  }
  const domain = await tokenDomain(context, offer, call.url.origin)
  const signature = await context.signing.authorization('receive', domain, message)
  return {
    action: 'topUp',
    type: 'authorization',
    channelId,
    salt,
    authorization: wire(message),
    signature,
    additionalDeposit: additional.toString(),
  }
}

async function settle(
  context: Context,
  before: Channel.Channel,
  additional: bigint,
  response: Response,
): Promise<Channel.Channel> {
  const problem = response.ok ? undefined : await Problem.read(response)
  await response.body?.cancel()
  const channel = await context.store.update((state) => {
    const current = state.channels[before.channelId] ?? before
    const next: Channel.Channel = {
      ...current,
      topUp: undefined,
      deposit: response.ok ? current.deposit + additional : (problem?.channel?.deposit ?? current.deposit),
    }
    state.channels[before.channelId] = next
    return next
  })
  if (problem === undefined || channel.deposit >= before.deposit + additional) return channel
  throw new ChannelError({
    code: 'top-up-refused',
    message: `The gateway refused the top-up with ${response.status} ${plain(Problem.code(problem), 60)}.`,
    fix: `see that the wallet holds ${additional} base units of ${before.token}.`,
  })
}
