import type { Address, Hex } from 'viem'
import type { Chain } from '../chain/Chain.ts'
import { ChainUnavailableError } from '../chain/ChainUnavailableError.ts'
import { keyOf, parse as parseOrder } from '../chain/ChargeOrder.ts'
import type { Report } from '../chain/Report.ts'
import * as TokenCalls from '../chain/TokenCalls.ts'
import type { Ledger } from '../ledger/Ledger.ts'
import type { Payment } from '../ledger/Payment.ts'
import { refOf } from './charge-fate.ts'
import { bookLatePayouts } from './late-payouts.ts'
import { wasReceived } from './was-received.ts'

/**
 * Watches for signed transfers that were given up and moved after all: a reverted transaction shows the authorization to
 * everybody, and anybody may submit it again while it is valid. What was void becomes credit of the payer; what was lost
 * is recovered. Nobody pays for nothing, whoever sent the transaction.
 */
export type LateTransfers = {
  /** Looks at the transfers to and from the payee in these blocks, and again at those whose payment had not ended. */
  book(range: Chain.Range): Promise<void>
}

export function createLateTransfers(options: {
  ledger: Pick<Ledger, 'payment' | 'settled' | 'intentBy' | 'attempts' | 'withdrawals'>
  chain: Chain
  tokens: readonly Address[]
  report: Report
}): LateTransfers {
  const { ledger, chain, tokens, report } = options
  /** Transactions about a payment that somebody still works on, by token. */
  const again = new Map<Hex, Address>()

  /** False when the node does not show it (now). */
  async function look(token: Address, transaction: Hex): Promise<boolean> {
    const mined = await chain.receipt(transaction)
    if (mined === null) return false
    again.delete(transaction)
    for (const { from, nonce } of TokenCalls.authorizationUses(token, mined.logs)) {
      const payment = await ledger.payment({ key: keyOf(chain.id, token, from, nonce) })
      // A call that was paid otherwise in the end has no transfer of its own.
      if (payment?.settlement == null) continue
      const ref = refOf(chain, parseOrder(payment.settlement), mined)
      if (ref === null) continue
      if (isOpen(payment)) again.set(transaction, token)
      else if (payment.money === 'void' || payment.money === 'lost' || payment.money === 'reversed')
        await recover(payment, ref)
    }
    return true
  }

  async function recover(payment: Payment, ref: Ledger.ChainRef): Promise<void> {
    if (!(await wasReceived({ chain, report }, parseOrder(payment.settlement), ref))) return
    const deliver = payment.money === 'void' ? 'credit' : 'delivered'
    const reason = 'The transfer was given up and moved after all.'
    await ledger.settled({ paymentId: payment.id, ref, deliver, reason })
    report('warn', 'late-transfer', { payment: payment.id, transaction: ref.transaction, deliver })
  }

  return {
    async book(range) {
      for (const [transaction, token] of [...again]) await look(token, transaction)
      for (const token of tokens) {
        const all = await chain.transfers(token, range)
        const received = all.filter(({ from, to }) => to === chain.payee && from !== chain.escrow)
        // A node that shows a log and not its receipt is behind itself: what is passed over now is never read again.
        for (const transaction of new Set(received.map((transfer) => transfer.transaction)))
          if (!(await look(token, transaction)))
            throw new ChainUnavailableError('eth_getTransactionReceipt', new Error('no receipt for a log'))
        await bookLatePayouts(
          { ledger, chain, report },
          all.filter(({ from, to }) => from === chain.payee && to !== chain.payee),
        )
      }
    },
  }
}

const isOpen = ({ money }: Payment) => money === 'held' || money === 'settling' || money === 'unknown'
