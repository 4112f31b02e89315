import type { Hex } from 'viem'
import type { Chain } from '../chain/Chain.ts'
import { ChainUnavailableError } from '../chain/ChainUnavailableError.ts'
import type { Report } from '../chain/Report.ts'
import type { Transfer } from '../chain/TokenCalls.ts'
import { GatewayError } from '../errors.ts'
import type { Ledger } from '../ledger/Ledger.ts'
import type { Withdrawal } from '../ledger/Withdrawal.ts'
import { payoutOf, tokenOf } from './payout.ts'

/**
 * Books payouts of ours that were given up and moved after all: a reorganisation can give a transaction that was reverted, or
 * whose nonce was another's, a second chance. Whoever has the money has it from its credit.
 */
export async function bookLatePayouts(
  context: bookLatePayouts.Context,
  sent: readonly Transfer[],
): Promise<void> {
  const { ledger, chain, report } = context
  for (const transaction of new Set(sent.map((transfer) => transfer.transaction))) {
    const withdrawal = await givenUp(ledger, transaction)
    if (withdrawal === null) continue
    const mined = await chain.evidence(tokenOf(withdrawal), withdrawal.amount).receipt(transaction)
    if (mined === null)
      throw new ChainUnavailableError('eth_getTransactionReceipt', new Error('no receipt for a log'))
    const payout = payoutOf(chain, withdrawal, mined)
    if (payout.status !== 'paid') continue
    try {
      await ledger.withdrawals.moved(withdrawal.id, payout.ref)
      report('error', 'late-payout', { withdrawal: withdrawal.id, transaction, was: withdrawal.state })
    } catch (error) {
      // More than has ever arrived: reconciliation names it, and nothing else waits for it.
      if (!(error instanceof GatewayError) || error.code !== 'ledger-integrity') throw error
      report('error', 'late-payout-unbooked', {
        withdrawal: withdrawal.id,
        transaction,
        error: error.message,
      })
    }
  }
}

/** The withdrawal that this transaction pays, unless it is known to, or somebody still follows it. */
async function givenUp(
  ledger: bookLatePayouts.Context['ledger'],
  transaction: Hex,
): Promise<Withdrawal | null> {
  const intent = await ledger.intentBy(transaction)
  if (intent?.kind !== 'withdrawal') return null
  const withdrawal = await ledger.withdrawals.withdrawal(intent.subjects[0] ?? '')
  if (withdrawal === null) return null
  if (intent.state === 'intended' || intent.state === 'sent' || intent.state === 'succeeded') {
    // The desk books it; where it had been paid by another signing of the same, the guard does.
    const { state, transaction: paidBy } = withdrawal
    if (state === 'paying' || state === 'unknown') return null
    const attempts = await ledger.attempts(intent.id)
    if (paidBy !== null && attempts.some(({ hash }) => hash === paidBy)) return null
  }
  return withdrawal.transaction === transaction.toLowerCase() ? null : withdrawal
}

export declare namespace bookLatePayouts {
  type Context = {
    ledger: Pick<Ledger, 'intentBy' | 'attempts' | 'withdrawals'>
    chain: Chain
    report: Report
  }
}
