import { type Report, silent } from '../chain/Report.ts'
import type { Ledger } from '../ledger/Ledger.ts'
import type { Payment } from '../ledger/Payment.ts'

/**
 * Ends the payments that a dead process left, as far as the books alone can tell. Those of living instances are not looked
 * at, so it may run at any time, but in one process: the one that leads. In doubt the payer is favoured. Money that may be
 * moving on chain (`settling`, `unknown`) is left to the resolver.
 *
 * | Left as | Becomes |
 * |---|---|
 * | `held`, nothing charged or sent | void: the same credential may be used again |
 * | `delivering`, charged, its answer stored | delivered: the payer can ask for it again |
 * | `delivering`, charged, no answer | refunded, as credit of the payer's wallet |
 *
 * @returns how many payments ended each way.
 */
export async function recoverOpenPayments(options: {
  ledger: Pick<Ledger, 'orphans' | 'answer' | 'void' | 'refund' | 'complete' | 'lost' | 'doubts'>
  report?: Report
}): Promise<recoverOpenPayments.Summary> {
  const { ledger, report = silent } = options
  const summary: recoverOpenPayments.Summary = { voided: 0, refunded: 0, completed: 0, lost: 0, left: 0 }
  for (const payment of await ledger.orphans(Number.MAX_SAFE_INTEGER)) {
    // Its caller was cut off. Told first: nobody looks at it again once it has ended.
    if (payment.rail === 'charge' && endingOf(payment, true) === 'completed')
      await ledger.doubts.add(payment.id)
    const ending = await endOpenPayment(payment, 'The gateway stopped during the call.', { ledger, report })
    summary[ending] += 1
  }
  return summary
}

/** Ends one payment that nobody works on any more. */
export async function endOpenPayment(
  payment: Payment,
  reason: string,
  {
    ledger,
    report,
  }: { ledger: Pick<Ledger, 'answer' | 'void' | 'refund' | 'complete' | 'lost'>; report: Report },
): Promise<keyof recoverOpenPayments.Summary> {
  if (endingOf(payment, false) === 'left') return 'left'
  const ending = endingOf(payment, (await ledger.answer(payment.id)) !== null)
  if (ending === 'voided') await ledger.void(payment.id, reason)
  if (ending === 'completed') await ledger.complete(payment.id)
  if (ending === 'refunded') await ledger.refund(payment.id, reason)
  if (ending === 'lost') await ledger.lost(payment.id, reason)
  report('info', 'payment-recovered', { payment: payment.id, ending })
  return ending
}

/** Decides. Pure. */
export function endingOf(
  payment: Pick<Payment, 'delivery' | 'money'>,
  answered: boolean,
): keyof recoverOpenPayments.Summary {
  const { delivery, money } = payment
  if (money === 'settling' || money === 'unknown') return 'left'
  if (money === 'held') return delivery === 'held' ? 'voided' : 'lost'
  if (delivery !== 'delivering') return 'left'
  return answered ? 'completed' : 'refunded'
}

export declare namespace recoverOpenPayments {
  type Summary = { voided: number; refunded: number; completed: number; lost: number; left: number }
}
