import type { Address, Hex } from 'viem'
import type { Chain } from '../../chain/Chain.ts'
import { GatewayError } from '../../errors.ts'
import type { Channel } from '../../ledger/Channel.ts'
import type { Ledger } from '../../ledger/Ledger.ts'
import { SessionRefusedError } from '../payment-error.ts'
import type { Terms } from '../Terms.ts'

/** A voucher that the channel's signer signed. Whether it is enough is decided when it is claimed. */
export type VerifiedVoucher = {
  rail: 'channel'
  wallet: Address
  /** Who signed it: the payer, or whom it named when it opened the channel. */
  signer: Address
  channelId: Hex
  cumulative: bigint
  signature: Hex
}

type Submitted = { channelId: Hex; cumulativeAmount: bigint; signature: Hex }
type Context = { terms: Terms; chain: Chain; ledger: Ledger }

/**
 * Verifies a voucher before anything is said about the channel, so that nobody learns of, or spends from, a channel
 * whose signer they are not (draft-evm-session-00, "Voucher Verification" 3 to 5).
 * @throws {SessionRefusedError}
 */
export async function verifyVoucher(submitted: Submitted, context: Context): Promise<VerifiedVoucher> {
  const channel = await knownChannel(submitted.channelId, context)
  const { channelId, cumulativeAmount, signature } = submitted
  const valid = await context.chain.verifyVoucher({ channelId, cumulativeAmount }, signature, channel.signer)
  if (!valid)
    throw new SessionRefusedError('invalid-signature', "The voucher is not signed by the channel's signer.", {
      channelId,
    })
  const { payer: wallet, signer } = channel
  return { rail: 'channel', wallet, signer, channelId, cumulative: cumulativeAmount, signature }
}

/** The channel, when it is booked and pays in the token that this call is priced in. @throws {SessionRefusedError} */
export async function knownChannel(id: Hex, { terms, ledger, chain }: Context): Promise<Channel> {
  const channel = await ledger.channel(id)
  if (channel === null || channel.chainId !== chain.id || channel.escrow !== chain.escrow.toLowerCase())
    throw new SessionRefusedError('channel-not-found', `There is no open channel ${id}.`, { channelId: id })
  if (channel.token !== terms.token.address)
    throw new SessionRefusedError(
      'signer-mismatch',
      `The channel holds another token than ${terms.token.symbol}.`,
      {
        channelId: id,
      },
    )
  return channel
}

/** Says a refusal of the ledger in the session intent's own problem types. */
export function voucherRefusal(
  refusal: Ledger.VoucherRefusal,
): SessionRefusedError | ChannelSuspendedError | DepositMissingError {
  switch (refusal.outcome) {
    case 'channel-not-found':
      return new SessionRefusedError('channel-not-found', 'There is no such channel.')
    case 'channel-finalized':
      return new SessionRefusedError(
        'channel-finalized',
        'The channel is closed.',
        channelDetails(refusal.channel),
      )
    case 'channel-suspended':
      return new ChannelSuspendedError(refusal.channel.id)
    case 'deposit-missing':
      return new DepositMissingError(refusal.channel)
    case 'close-requested':
      return new SessionRefusedError(
        'channel-finalized',
        'The payer has asked for the channel to be closed; it takes no more vouchers.',
        channelDetails(refusal.channel),
      )
    case 'amount-exceeds-deposit':
      return new SessionRefusedError(
        'amount-exceeds-deposit',
        `The voucher is above the deposit of ${refusal.channel.deposit} base units.`,
        channelDetails(refusal.channel),
      )
    case 'delta-too-small':
      return new SessionRefusedError(
        'delta-too-small',
        'The voucher raises the last one by too little.',
        channelDetails(refusal.channel),
      )
  }
}

/** A reorganisation took the deposit, or a part of it. It comes back by itself, or the payer sends it again. */
export class DepositMissingError extends GatewayError {
  constructor({ id, deposit, depositMissing }: Channel) {
    super({
      status: 503,
      code: 'deposit-missing',
      message:
        `The chain has reorganised: ${depositMissing} of ${deposit} base units of this channel's deposit are not there now. ` +
        'It takes no vouchers until they are. Nothing was charged; try again shortly, or check your transaction.',
      retryAfter: 15,
      details: { channelId: id, missing: depositMissing.toString() },
    })
  }
}

/**
 * The chain knows more of this channel than the books, which were restored from a backup. Nothing is said of what the
 * books have: it is not right, and nobody should sign a voucher for it.
 */
export class ChannelSuspendedError extends GatewayError {
  constructor(channelId: Hex) {
    super({
      status: 402,
      code: 'channel-suspended',
      message:
        'The gateway has suspended this channel: the chain knows more of it than its books. Its deposit is safe in the ' +
        'escrow. Sign no new voucher for it; pay otherwise, or try again once the operator has settled it.',
      details: { channelId },
    })
  }
}

/** What a payer may know of its channel, for a problem document. Base units as decimal digits. */
export function channelDetails(channel: Channel, amount?: bigint): Record<string, unknown> {
  return {
    channelId: channel.id,
    channel: {
      channelId: channel.id,
      acceptedCumulative: channel.accepted.toString(),
      spent: channel.spent.toString(),
      deposit: channel.deposit.toString(),
      ...(amount === undefined
        ? {}
        : { requiredCumulative: (channel.spent + channel.reserved + amount).toString() }),
    },
  }
}
