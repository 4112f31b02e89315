import type { Chain } from '../chain/Chain.ts'
import { ChainUnavailableError } from '../chain/ChainUnavailableError.ts'
import { type ChargeOrder, parse as parseOrder } from '../chain/ChargeOrder.ts'
import { isOurTrouble } from '../chain/our-trouble.ts'
import type { Report } from '../chain/Report.ts'
import { silent } from '../chain/Report.ts'
import * as TokenCalls from '../chain/TokenCalls.ts'
import type { Ledger } from '../ledger/Ledger.ts'
import type { Payment, StoredAnswer } from '../ledger/Payment.ts'
import { chargeFate, refOf } from './charge-fate.ts'
import { wasReceived } from './was-received.ts'

/** Settles single transfers. */
export type ChargeDesk = {
  /**
   * Says durably that the transfer is about to be sent, sends it, and judges it by its mined Transfer log. Books nothing
   * beyond the intent: the caller books `settled` with what it has delivered.
   */
  settle(payment: Payment, answer?: StoredAnswer): Promise<ChargeDesk.Outcome>
  /** Sends the transfer of a settled payment again, in a new transaction, after the chain lost the one that moved it. */
  resend(payment: Payment): Promise<ChargeDesk.Outcome>
  /** True while `settle` is at work on this payment in this process. */
  isBusy(paymentId: string): boolean
}

export declare namespace ChargeDesk {
  type Outcome =
    | { status: 'settled'; ref: Ledger.ChainRef }
    /** It cannot move: nothing of it was sent, or it was mined and moved nothing. */
    | { status: 'refused'; reason: string }
    /** It may have moved, or our node is the obstacle: the resolver asks until it is known. */
    | { status: 'unknown'; reason: string }
}

export function createChargeDesk(options: createChargeDesk.Options): ChargeDesk {
  const { chain, ledger, report = silent, fromBlock = 0n } = options
  const busy = new Set<string>()

  async function settle(payment: Payment, answer?: StoredAnswer): Promise<ChargeDesk.Outcome> {
    const order = parseOrder(payment.settlement)
    await ledger.settling({ paymentId: payment.id, ...(answer === undefined ? {} : { answer }) })
    try {
      return await judge(await send(payment, order), order)
    } catch (error) {
      const reason = error instanceof ChainUnavailableError ? error.code : 'settlement-interrupted'
      report('error', 'charge-unknown', { payment: payment.id, reason, error: nameOf(error) })
      return { status: 'unknown', reason }
    }
  }

  /** With the `bytes` form first; a token that has only the older form refuses it without a reason. */
  async function send(payment: Payment, order: ChargeOrder): Promise<Chain.Outcome> {
    const { message, signature, token } = order
    const confirmations = chain.depth(token, message.value)
    const base = { kind: 'charge' as const, subjects: [payment.id], to: token, confirmations }
    const outcome = await chain.submit({
      ...base,
      data: TokenCalls.transferWithAuthorization(message, signature),
    })
    if (outcome.status !== 'rejected' || outcome.reason !== 'execution-reverted') return outcome
    const data = TokenCalls.transferWithAuthorizationSplit(message, signature)
    return data === null ? outcome : chain.submit({ ...base, data })
  }

  async function settledBy(order: ChargeOrder, ref: Ledger.ChainRef): Promise<ChargeDesk.Outcome> {
    if (await wasReceived({ chain, report }, order, ref)) return { status: 'settled', ref }
    return { status: 'refused', reason: 'transfer-not-received' }
  }

  async function judge(outcome: Chain.Outcome, order: ChargeOrder): Promise<ChargeDesk.Outcome> {
    if (outcome.status === 'unknown') return { status: 'unknown', reason: outcome.reason }
    const ref = outcome.status === 'succeeded' ? refOf(chain, order, outcome.mined) : null
    if (ref !== null) return settledBy(order, ref)
    // Never a reason to ask the payer for another payment.
    if (outcome.status === 'rejected' && isOurTrouble(outcome.reason))
      return { status: 'unknown', reason: outcome.reason }
    // Somebody else may have submitted the very same authorization, and not every token minds a used nonce: it is paid.
    const fate = await chargeFate(chain, order, fromBlock)
    if (fate.status === 'executed') return settledBy(order, fate.ref)
    if (fate.status === 'pending') return { status: 'unknown', reason: fate.reason }
    return {
      status: 'refused',
      reason: outcome.status === 'succeeded' ? 'no-transfer-in-the-logs' : outcome.reason,
    }
  }

  return {
    async settle(payment, answer) {
      busy.add(payment.id)
      try {
        return await settle(payment, answer)
      } finally {
        busy.delete(payment.id)
      }
    },
    async resend(payment) {
      const order = parseOrder(payment.settlement)
      busy.add(payment.id)
      try {
        return await judge(await send(payment, order), order)
      } finally {
        busy.delete(payment.id)
      }
    },
    isBusy: (paymentId) => busy.has(paymentId),
  }
}

const nameOf = (error: unknown) => (error instanceof Error ? error.name : typeof error)

export declare namespace createChargeDesk {
  type Options = {
    chain: Chain
    ledger: Pick<Ledger, 'settling'>
    report?: Report
    /** Oldest block in which a transfer can be: that of the escrow's deployment, say. Default 0. */
    fromBlock?: bigint
  }
}
