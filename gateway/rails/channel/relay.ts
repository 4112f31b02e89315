import type { Address, Hex } from 'viem'
import type { Chain } from '../../chain/Chain.ts'
import { ChainUnavailableError } from '../../chain/ChainUnavailableError.ts'
import type { Clock } from '../../clock.ts'
import { GatewayError } from '../../errors.ts'
import type { Ledger } from '../../ledger/Ledger.ts'
import * as GasBudget from '../../policy/gas-budget.ts'
import type { SingleFlight } from '../../single-flight.ts'
import { PaymentUnknownError, revertProblem } from '../payment-error.ts'
import type { Terms } from '../Terms.ts'
import type { ChannelBook } from './ChannelBook.ts'
import type { Patience } from './Patience.ts'

/** A deposit whose transaction we send, and pay the gas of. */
export type Relay = {
  kind: 'open' | 'top-up'
  channelId: Hex
  /** Who signed the funds. */
  payer: Address
  nonce: Hex
  data: Hex
  /** Base units that the channel holds after it: how deep it must be. */
  deposit: bigint
}

export type RelayContext = {
  terms: Terms
  chain: Chain
  ledger: Ledger
  clock: Clock
  channels: ChannelBook
  singleFlight: SingleFlight
  patience: Patience
  config: { gasBudgets: GasBudget.GasBudget; chain: { timeoutMs: number } }
}

/**
 * Sends a deposit once, however many copies of it arrive at whichever process, and books it from the mined log. Returns when
 * it is made. What a copy is told:
 *
 * | The same deposit | The copy |
 * |---|---|
 * | is being made, by this process or another one that lives, and its time is not over | waits if it likes to, else `409` |
 * | is out for longer than a transaction may take, or whoever sent it is gone | follows it too: made, or `503` |
 * | was never sent, was dropped, or was reverted | sends it |
 *
 * @throws {DepositInProgressError | PaymentUnknownError | SessionRefusedError | GasBudgetSpentError}
 */
export async function relay(order: Relay, context: RelayContext): Promise<void> {
  const { singleFlight, patience } = context
  const flight = `deposit:${order.nonce}`
  for (;;) {
    const { overdue, elsewhere } = await look(order, context)
    if (!overdue && (elsewhere || singleFlight.isRunning(flight))) {
      if (!(await patience.next(flight))) throw new DepositInProgressError(order.channelId, patience.granted)
      continue
    }
    const made = await singleFlight(flight, () => make(order, context).finally(() => patience.wake(flight)))
    if (made) return
  }
}

/** Sends it and follows it to its end. False when another process turned out to be at it. */
async function make(order: Relay, context: RelayContext): Promise<boolean> {
  const { terms, chain, channels, config } = context
  // Also the same deposit again, after an answer that got lost.
  if (await isMade(order, context)) return true
  const submit = () =>
    chain.submit({
      kind: order.kind,
      // The deposit by name: whoever brings it a second time, to whichever process, hears what becomes of the first.
      subjects: [order.channelId, order.nonce],
      to: chain.escrow,
      data: order.data,
      confirmations: chain.depth(terms.token.address, order.deposit),
      gasLimit: config.gasBudgets.gasPerTransaction,
    })
  // What is out was counted when it was sent. A budget that it has used up must not keep its copies from its end.
  const isOut = (await look(order, context)).sent
  const outcome = await (isOut ? submit() : withinGasBudget(order.payer, context, submit))
  switch (outcome.status) {
    case 'succeeded':
      await channels.apply(outcome.mined)
      return true
    case 'unknown':
      throw new PaymentUnknownError(order.channelId, outcome.reason)
    default: {
      // Another process may have been first, and this one's copy of it is what the escrow refuses. What is booked right now
      // is not found under way any more, so that whether it is made is asked last.
      const { sent, elsewhere } = await look(order, context)
      if (await isMade(order, context)) return true
      if (elsewhere) return false
      if (sent) throw new PaymentUnknownError(order.channelId, 'it is being made.')
      throw revertProblem(outcome.reason, `The deposit was refused: ${outcome.reason}.`, {
        channelId: order.channelId,
      })
    }
  }
}

/** The deposit is on chain, and for an opening also in the books. */
async function isMade(
  { kind, channelId, payer, nonce }: Relay,
  { chain, ledger, terms }: RelayContext,
): Promise<boolean> {
  if (kind === 'open') return (await ledger.channel(channelId)) !== null
  return (await chain.authorizationUsed(terms.token.address, payer, nonce)) === true
}

/** What the books know of the deposit's transaction. */
type Found = {
  /** One makes it, or has made it and is not booked yet. */
  sent: boolean
  /** … for longer than it may take: nobody knows what became of it. */
  overdue: boolean
  /** … whose time is not over, and another process lives that may have sent it. */
  elsewhere: boolean
}

async function look(
  { kind, channelId, nonce }: Relay,
  { ledger, clock, config }: RelayContext,
): Promise<Found> {
  const nothing = { sent: false, overdue: false, elsewhere: false }
  if (kind === 'open' && (await ledger.channel(channelId)) !== null) return nothing
  const intents = await ledger.intentsFor(nonce)
  const last = intents.findLast(({ state }) => state !== 'dropped' && state !== 'reverted')
  if (last === undefined) return nothing
  const overdue = clock.now() - last.now >= config.chain.timeoutMs
  // A top-up that is mined shows on chain: nobody has to be asked.
  const open = kind === 'open' || last.state !== 'succeeded'
  const elsewhere = open && !overdue && (await ledger.instances.hadCompany(last.now))
  return { sent: true, overdue, elsewhere }
}

/**
 * Counts a transaction before it is sent; what was never sent by us does not count. One whose end is not known does.
 * @throws {GasBudgetSpentError}
 */
async function withinGasBudget(
  payer: Address,
  { ledger, clock, config }: RelayContext,
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

/** The deposit that this payment brings is being made, by another request. */
export class DepositInProgressError extends GatewayError {
  /** Seconds that it was waited for at most; null when it was not. */
  readonly waited: number | null

  constructor(channelId: Hex, waited: number | null) {
    super({
      status: 409,
      code: 'payment-in-progress',
      message:
        'The deposit that this payment brings is being made for another request. Send the same request again after a while.',
      retryAfter: 1,
      details: { channelId },
    })
    this.waited = waited
  }
}
