import { type Address, type Hex, isAddressEqual, zeroAddress } from 'viem'
import type { Channel } from '../../ledger/Channel.ts'
import type { Credential } from '../../protocol/mpp/Credential.ts'
import { readVoucher } from '../../protocol/mpp/read-voucher.ts'
import * as Session from '../../protocol/mpp/Session.ts'
import { complaint } from '../../protocol/Schema.ts'
import * as Voucher from '../../protocol/Voucher.ts'
import { PaymentRefusedError, PaymentUnknownError, SessionRefusedError } from '../payment-error.ts'
import { type DepositContext, followDeposit, openByAuthorization, topUpByAuthorization } from './deposit.ts'
import {
  channelDetails,
  knownChannel,
  type VerifiedVoucher,
  verifyVoucher,
  voucherRefusal,
} from './verify-voucher.ts'

/**
 * What a session credential asks for: a call to be paid by a voucher, or only something done to the channel.
 * A call may still turn out to be for the channel alone, when its voucher does not cover the price. `proven`: its payer or its
 * signer has asked, and may be told what it has spent. Anybody may top a channel up, and a transaction hash is public.
 */
export type SessionAction =
  | { kind: 'pay'; voucher: VerifiedVoucher }
  | { kind: 'managed'; channel: Channel; transaction: Hex | null; proven: boolean }

/**
 * Carries out everything of a session credential but the call itself: opens, tops up, accepts, closes.
 * @throws {PaymentRefusedError | SessionRefusedError | PaymentUnknownError}
 */
export async function sessionAction(
  credential: Credential,
  options: { voucherOnly: boolean },
  context: DepositContext,
): Promise<SessionAction> {
  const parsed = read(credential.payload)
  if (!parsed.success)
    throw new PaymentRefusedError('malformed-credential', `The session payload's ${complaint(parsed.error)}.`)
  const payload = parsed.data
  switch (payload.action) {
    case 'open':
      return open(payload, credential, options, context)
    case 'topUp': {
      const { payer } = await knownChannel(payload.channelId, context)
      if (payload.type === 'hash') await followDeposit(payload.hash, payload.channelId, context)
      else {
        if (payload.additionalDeposit !== payload.authorization.value)
          throw new PaymentRefusedError(
            'verification-failed',
            'additionalDeposit and authorization.value differ.',
          )
        await topUpByAuthorization(payload.channelId, payload, context)
      }
      const channel = await knownChannel(payload.channelId, context)
      const proven = payload.type === 'authorization' && isAddressEqual(payload.authorization.from, payer)
      return { kind: 'managed', channel, transaction: null, proven }
    }
    case 'voucher': {
      const { deposit } = payload
      if (deposit?.action === 'open') {
        await requireFirstVoucher(payload, deposit.authorizedSigner, deposit.authorization, context)
        await openByAuthorization(payload.channelId, deposit, context)
      }
      if (deposit?.action === 'topUp') {
        // Before gas is spent: a channel whose signer did not ask is not topped up here.
        await verifyVoucher(payload, context)
        await topUpByAuthorization(payload.channelId, deposit, context)
      }
      const voucher = await verifyVoucher(payload, context)
      return options.voucherOnly ? managed(voucher, context) : { kind: 'pay', voucher }
    }
    case 'close':
      return close(payload, context)
  }
}

/**
 * The voucher of a credential, verified, for a call that was paid by it before. Nothing is opened, topped up or accepted;
 * null when it has none, or when its channel is not known.
 */
export async function voucherOf(
  credential: Credential,
  context: Pick<DepositContext, 'terms' | 'chain' | 'ledger'>,
): Promise<VerifiedVoucher | null> {
  const parsed = read(credential.payload)
  if (!parsed.success || (await context.ledger.channel(parsed.data.channelId)) === null) return null
  const payload = parsed.data
  if (payload.action === 'voucher') return verifyVoucher(payload, context)
  if (payload.action !== 'open') return null
  const { channelId, cumulativeAmount } = payload
  const signature = payload.type === 'hash' ? payload.signature : payload.voucherSignature
  return verifyVoucher({ channelId, cumulativeAmount, signature }, context)
}

/** A payload that says it is a voucher is one or none: no other kind is tried. */
function read(payload: Record<string, unknown>) {
  if (payload.action !== 'voucher') return Session.payload.safeParse(payload)
  const plain = readVoucher(payload)
  return plain === null ? Session.voucher.safeParse(payload) : { success: true as const, data: plain }
}

async function open(
  payload: Session.OpenByHash | Session.OpenByAuthorization,
  credential: Credential,
  options: { voucherOnly: boolean },
  context: DepositContext,
): Promise<SessionAction> {
  const { channelId, cumulativeAmount } = payload
  const signature = payload.type === 'hash' ? payload.signature : payload.voucherSignature
  // The zero address says what leaving it out says: the payer signs.
  const signer = payload.authorizedSigner === zeroAddress ? undefined : payload.authorizedSigner
  if (payload.type === 'hash') {
    const payer = payerOf(credential, context)
    const expected = Voucher.channelId({
      payer,
      payee: context.chain.payee,
      token: context.terms.token.address,
      salt: payload.salt,
      authorizedSigner: signer,
      escrow: context.chain.escrow,
      chainId: context.chain.id,
    })
    if (expected !== channelId)
      throw new PaymentRefusedError('verification-failed', `These parameters open channel ${expected}.`)
    if ((await context.ledger.channel(channelId)) === null)
      await followDeposit(payload.hash, channelId, context)
  } else {
    await requireFirstVoucher(
      { channelId, cumulativeAmount, signature },
      signer,
      payload.authorization,
      context,
    )
    await openByAuthorization(channelId, payload, context)
  }
  const voucher = await verifyVoucher({ channelId, cumulativeAmount, signature }, context)
  const covers = cumulativeAmount >= context.terms.amount
  return covers && !options.voucherOnly ? { kind: 'pay', voucher } : managed(voucher, context)
}

/**
 * Checks an opening's voucher before gas is spent: without one the channel would be of no use to us. The zero address
 * stands for the payer, as in the contract.
 */
async function requireFirstVoucher(
  voucher: { channelId: Hex; cumulativeAmount: bigint; signature: Hex },
  authorizedSigner: Address | undefined,
  deposit: { from: Address; value: bigint },
  { chain }: DepositContext,
): Promise<void> {
  const { channelId, cumulativeAmount, signature } = voucher
  const delegated = authorizedSigner !== undefined && authorizedSigner !== zeroAddress
  const signer = delegated ? authorizedSigner : deposit.from
  const valid = await chain.verifyVoucher({ channelId, cumulativeAmount }, signature, signer)
  if (!valid || cumulativeAmount > deposit.value)
    throw new SessionRefusedError(
      'invalid-signature',
      'The first voucher is not signed, or above the deposit.',
      {
        channelId,
      },
    )
}

/** Accepts a voucher without spending it. */
async function managed(voucher: VerifiedVoucher, context: DepositContext): Promise<SessionAction> {
  const { channelId, cumulative, signature } = voucher
  const now = context.clock.now()
  const result = await context.ledger.acceptVoucher({ channelId, cumulative, signature, minDelta: 0n, now })
  if (!('channel' in result) || (result.outcome !== 'accepted' && result.outcome !== 'replayed'))
    throw voucherRefusal(result)
  return { kind: 'managed', channel: result.channel, transaction: null, proven: true }
}

/** Cooperative close (draft-evm-session-00, "Cooperative Close"): pays us what was spent, refunds the rest. */
async function close(payload: Session.Close, context: DepositContext): Promise<SessionAction> {
  const voucher = await verifyVoucher(payload, context)
  const channel = await knownChannel(payload.channelId, context)
  if (voucher.cumulative < channel.spent) throw belowSpent(voucher, channel)
  const final = { cumulative: voucher.cumulative, signature: voucher.signature }
  const outcome = await context.channels.close(channel.id, final)
  switch (outcome.status) {
    case 'closed':
      return {
        kind: 'managed',
        channel: await knownChannel(channel.id, context),
        transaction: outcome.transaction,
        proven: true,
      }
    case 'unknown':
      throw new PaymentUnknownError(channel.id, outcome.reason)
    case 'refused':
      // A call has ended since the channel was looked at, and cost more than the voucher says.
      if (outcome.reason === 'below-spent') throw belowSpent(voucher, await knownChannel(channel.id, context))
      throw closeRefused(outcome.reason, channel)
  }
}

function belowSpent({ cumulative }: VerifiedVoucher, channel: Channel): SessionRefusedError {
  return new SessionRefusedError(
    'insufficient-balance',
    `The final voucher is of ${cumulative} base units; ${channel.spent} were spent.`,
    channelDetails(channel),
  )
}

function closeRefused(reason: string, channel: Channel): SessionRefusedError {
  if (reason === 'channel-finalized')
    return new SessionRefusedError('channel-finalized', 'The channel is closed.', channelDetails(channel))
  const message =
    reason === 'calls-in-flight'
      ? 'Calls on this channel are still running. Close it after them.'
      : `The channel was not closed: ${reason}.`
  return new SessionRefusedError('transaction-reverted', message, channelDetails(channel))
}

/** The payer that a hash credential must name as `did:pkh:eip155:<chain>:<address>`. */
function payerOf(credential: Credential, context: DepositContext): `0x${string}` {
  const match = /^did:pkh:eip155:(\d{1,20}):(0x[0-9a-fA-F]{40})$/.exec(credential.source ?? '')
  if (match === null || Number(match[1]) !== context.chain.id)
    throw new PaymentRefusedError(
      'malformed-credential',
      'A hash credential must name its payer in "source".',
    )
  return String(match[2]).toLowerCase() as `0x${string}`
}
