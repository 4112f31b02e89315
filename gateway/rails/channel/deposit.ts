import { type Address, encodeFunctionData, type Hex, isAddressEqual, zeroAddress } from 'viem'
import type { Chain } from '../../chain/Chain.ts'
import { ChainUnavailableError } from '../../chain/ChainUnavailableError.ts'
import { type Clock, unixSeconds } from '../../clock.ts'
import type { Ledger } from '../../ledger/Ledger.ts'
import * as GasBudget from '../../policy/gas-budget.ts'
import * as Authorization from '../../protocol/Authorization.ts'
import { escrowAbi } from '../../protocol/abi.ts'
import * as Voucher from '../../protocol/Voucher.ts'
import * as Token from '../../routes/Token.ts'
import type { SingleFlight } from '../../single-flight.ts'
import {
  PaymentRefusedError,
  PaymentUnknownError,
  revertProblem,
  SessionRefusedError,
} from '../payment-error.ts'
import type { Terms } from '../Terms.ts'
import type { ChannelBook } from './ChannelBook.ts'

/** Opens and top-ups that payers sign and the gateway submits (draft-evm-session-00, "Relayed / Gasless Operations"). */

export type DepositContext = {
  terms: Terms
  chain: Chain
  ledger: Ledger
  clock: Clock
  channels: ChannelBook
  singleFlight: SingleFlight
  config: { gasBudgets: GasBudget.GasBudget }
}

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
  // The same top-up again, after an answer that got lost: its nonce says that it is on chain, and the books follow.
  if (await context.chain.authorizationUsed(context.terms.token.address, authorization.from, nonce)) return
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

type Relay = {
  kind: 'open' | 'top-up'
  channelId: Hex
  /** Who signed the funds. */
  payer: Address
  nonce: Hex
  data: Hex
  /** Base units that the channel holds after it: how deep it must be. */
  deposit: bigint
}

/**
 * Counts a transaction before it is sent; what was never sent by us does not count. One whose end is not known does.
 * @throws {GasBudgetSpentError}
 */
async function withinGasBudget(
  payer: Address,
  { ledger, clock, config }: DepositContext,
  submit: () => Promise<Chain.Outcome>,
): Promise<Chain.Outcome> {
  const now = clock.now()
  const taken = await ledger.relays.take(GasBudget.request(config.gasBudgets, payer, now))
  if (taken.outcome === 'spent')
    throw new GasBudget.GasBudgetSpentError(
      taken.scope,
      GasBudget.secondsUntilFree(config.gasBudgets, taken, now),
    )
  const outcome = await submit().catch(async (error: unknown) => {
    // The node was out of reach before anything was sent.
    if (error instanceof ChainUnavailableError) await ledger.relays.giveBack(taken.id)
    throw error
  })
  if (outcome.status === 'rejected' || outcome.joined) await ledger.relays.giveBack(taken.id)
  return outcome
}

/** The deposit is on chain, and for an opening also in the books. */
async function isMade({ kind, channelId, payer, nonce }: Relay, context: DepositContext): Promise<boolean> {
  const { chain, ledger, terms } = context
  if (kind === 'open') return (await ledger.channel(channelId)) !== null
  return (await chain.authorizationUsed(terms.token.address, payer, nonce)) === true
}

/** A transaction of ours makes it, or has made it and is not booked yet. */
async function isUnderWay({ nonce }: Relay, { ledger }: DepositContext): Promise<boolean> {
  const intents = await ledger.intentsFor(nonce)
  return intents.some(({ state }) => state !== 'dropped' && state !== 'reverted')
}

/** Submits once, however many copies arrive together, and books from the mined log. */
function relay(order: Relay, context: DepositContext): Promise<void> {
  const { terms, chain, channels, singleFlight } = context
  return singleFlight(`deposit:${order.nonce}`, async () => {
    const outcome = await withinGasBudget(order.payer, context, () =>
      chain.submit({
        kind: order.kind,
        // The deposit by name: whoever brings it a second time, to whichever process, hears what becomes of the first.
        subjects: [order.channelId, order.nonce],
        to: chain.escrow,
        data: order.data,
        confirmations: chain.depth(terms.token.address, order.deposit),
        gasLimit: context.config.gasBudgets.gasPerTransaction,
      }),
    )
    switch (outcome.status) {
      case 'succeeded':
        await channels.apply(outcome.mined)
        return
      case 'unknown':
        throw new PaymentUnknownError(order.channelId, outcome.reason)
      default:
        // Another process may have been first, and this one's copy of it is what the escrow refuses.
        if (await isMade(order, context)) return
        if (await isUnderWay(order, context))
          throw new PaymentUnknownError(order.channelId, 'it is being made.')
        throw revertProblem(outcome.reason, `The deposit was refused: ${outcome.reason}.`, {
          channelId: order.channelId,
        })
    }
  })
}
