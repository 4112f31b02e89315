import * as Account from '../../Account.ts'
import * as Amount from '../../Amount.ts'
import { AmountError } from '../../errors.ts'
import type { Ledger } from '../../Ledger.ts'
import type { Payment } from '../../Payment.ts'
import { judgeOperation } from '../../rules/judge-operation.ts'
import { post } from '../accounts/post.ts'
import type { Books } from '../Books.ts'
import { needChannel } from '../channels/find-channel.ts'
import { removeAnswer } from './answers.ts'
import { needPayment } from './find-payment.ts'
import { savePayment } from './save-payment.ts'

/**
 * Gives a charged payment back with a counter-entry, as credit of the payer's wallet: all of it, or a part when the rest
 * was delivered. Also on the channel rail: what a channel has spent only grows (law 3), and may be settled by now.
 */
export function refund(
  books: Books,
  paymentId: string,
  reason: string,
  part: Ledger.RefundPart = {},
): Payment {
  const payment = needPayment(books, paymentId)
  if (judgeOperation(payment, 'refund') === 'done') return payment
  const amount = Amount.check(part.amount ?? payment.charged)
  if (amount > payment.charged)
    throw new AmountError(amount, `is more than the ${payment.charged} charged for payment "${payment.id}"`)
  const delivered = part.delivered ?? null
  post(books, {
    debit: payment.earns,
    credit: Account.wallet(payerOf(books, payment)),
    asset: payment.asset,
    amount,
    kind: 'refund',
    payment: payment.id,
    at: books.clock.now(),
  })
  if (amount < payment.charged)
    return savePayment(books, payment, {
      charged: payment.charged - amount,
      delivery: 'delivered',
      delivered,
      reason,
    })
  removeAnswer(books, payment.id)
  return savePayment(books, payment, {
    charged: 0n,
    delivery: 'failed',
    money: payment.money === 'captured' ? 'refunded' : 'credited',
    delivered,
    reason,
  })
}

/** Whose money it was: a channel's payer, else the wallet that called. */
function payerOf(books: Books, payment: Payment): Payment['wallet'] {
  return payment.channelId === null ? payment.wallet : needChannel(books, payment.channelId).payer
}
