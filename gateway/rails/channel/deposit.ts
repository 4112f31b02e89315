import { type Address, encodeFunctionData, type Hex, isAddressEqual, zeroAddress } from 'viem'
import { unixSeconds } from '../../clock.ts'
import * as Authorization from '../../protocol/Authorization.ts'
import { escrowAbi } from '../../protocol/abi.ts'
import * as Voucher from '../../protocol/Voucher.ts'
import * as Token from '../../routes/Token.ts'
import { PaymentRefusedError, PaymentUnknownError, SessionRefusedError } from '../payment-error.ts'
import { type RelayContext, relay } from './relay.ts'

/** Opens and top-ups that payers sign and the gateway submits (draft-evm-session-00, "Relayed / Gasless Operations"). */

export type DepositContext = RelayContext

/** A deposit that the payer signed for `receiveWithAuthorization`. Amounts in base units. */
export type SignedDeposit = { authorization: Authorization.Authorization; signature: Hex; salt: Hex }

/** Opens the channel on chain and books it. A channel that is booked already is left as it is. */
export async function openByAuthorization(
  channelId: Hex,
  deposit: SignedDeposit & { authorizedSigner?: Address | undefined },
  context: DepositContext,
): Promise<void> {
  if ((await context.ledger.channel(channelId)) !== null) return
  const { terms, chain } = context
  const { authorization, signature, salt } = deposit
  const authorizedSigner = deposit.authorizedSigner ?? zeroAddress
  const parties = { payee: chain.payee, token: terms.token.address, salt, authorizedSigner }
  const expected = Voucher.channelId({
    ...parties,
    payer: authorization.from,
    escrow: chain.escrow,
    chainId: chain.id,
  })
  if (expected !== channelId)
    throw new PaymentRefusedError(
      'verification-failed',
      `These parameters open channel ${expected}, not ${channelId}.`,
    )
  if (authorization.nonce !== Authorization.openNonce({ ...parties, from: authorization.from }))
    throw new PaymentRefusedError(
      'verification-failed',
      "The nonce does not follow from the channel's parameters.",
    )
  await verifyDeposit(deposit, context)
  const data = encodeFunctionData({
    abi: escrowAbi,
    functionName: 'openWithAuthorization',
    args: [
      parties.payee,
      parties.token,
      authorization.value,
      salt,
      authorizedSigner,
      authorization.from,
      authorization.validAfter,
      authorization.validBefore,
      authorization.nonce,
      signature,
    ],
  })
  const { from, nonce, value } = authorization
  await relay({ kind: 'open', channelId, payer: from, nonce, data, deposit: value }, context)
}

/** Adds to a channel's deposit on chain and books it. The funds may come from anybody; a refund goes to the payer. */
export async function topUpByAuthorization(
  channelId: Hex,
  deposit: SignedDeposit,
  context: DepositContext,
): Promise<void> {
  const { authorization, signature, salt } = deposit
  const nonce = Authorization.topUpNonce({
    channelId,
    additionalDeposit: authorization.value,
    from: authorization.from,
    topUpSalt: salt,
  })
  if (authorization.nonce !== nonce)
    throw new PaymentRefusedError(
      'verification-failed',
      "The nonce does not follow from the top-up's parameters.",
    )
  await verifyDeposit(deposit, context)
  const data = encodeFunctionData({
    abi: escrowAbi,
    functionName: 'topUpWithAuthorization',
    args: [
      channelId,
      authorization.value,
      authorization.from,
      salt,
      authorization.validAfter,
      authorization.validBefore,
      nonce,
      signature,
    ],
  })
  const before = (await context.ledger.channel(channelId))?.deposit ?? 0n
  const { from, value } = authorization
  await relay({ kind: 'top-up', channelId, payer: from, nonce, data, deposit: before + value }, context)
}

/** Books what the payer's own transaction did. @throws {SessionRefusedError | PaymentUnknownError} */
export async function followDeposit(hash: Hex, channelId: Hex, { channels }: DepositContext): Promise<void> {
  switch (await channels.follow(hash, channelId)) {
    case 'booked':
      return
    case 'pending':
      throw new PaymentUnknownError(channelId, `transaction ${hash} is not deep enough on chain yet.`)
    case 'reverted':
      throw new SessionRefusedError('transaction-reverted', `Transaction ${hash} reverted.`, { channelId })
    case 'not-ours':
      throw new PaymentRefusedError(
        'verification-failed',
        `Transaction ${hash} did nothing for channel ${channelId}.`,
      )
  }
}

async function verifyDeposit(deposit: SignedDeposit, { terms, chain, clock }: DepositContext): Promise<void> {
  const { authorization, signature } = deposit
  const now = BigInt(unixSeconds(clock))
  if (!isAddressEqual(authorization.to, chain.escrow))
    throw new PaymentRefusedError('verification-failed', 'The deposit is not to the escrow contract.')
  if (authorization.value < terms.token.leastDeposit)
    throw new PaymentRefusedError(
      'verification-failed',
      `A deposit of ${authorization.value} base units is below the least we pay gas for, ${terms.token.leastDeposit}.`,
    )
  if (authorization.validAfter > now || authorization.validBefore <= now)
    throw new PaymentRefusedError('verification-failed', 'The deposit is not valid now.')
  const domain = Token.domain(terms.token)
  if (!(await chain.verifyAuthorization('receive', domain, authorization, signature)))
    throw new PaymentRefusedError('verification-failed', 'The deposit is not signed by the payer it names.')
}
