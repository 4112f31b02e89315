import * as Account from '../../Account.ts'
import type { Payment } from '../../Payment.ts'
import { judgeOperation } from '../../rules/judge-operation.ts'
import { post } from '../accounts/post.ts'
import type { Books } from '../Books.ts'
import { needChannel } from '../channels/find-channel.ts'
import { removeAnswer } from './answers.ts'
import { needPayment } from './find-payment.ts'
import { savePayment } from './save-payment.ts'

/**
 * Gives a charged payment back with a counter-entry, as credit of the payer's wallet. Also on the channel rail: what a
 * channel has spent only grows (law 3), and may be settled by now.
 */
export function refund(books: Books, paymentId: string, reason: string): Payment {
  const payment = needPayment(books, paymentId)
  if (judgeOperation(payment, 'refund') === 'done') return payment
  post(books, {
    debit: payment.earns,
    credit: Account.wallet(payerOf(books, payment)),
    asset: payment.asset,
    amount: payment.charged,
    kind: 'refund',
    payment: payment.id,
    at: books.clock.now(),
  })
  removeAnswer(books, payment.id)
  return savePayment(books, payment, {
    charged: 0n,
    delivery: 'failed',
    money: payment.money === 'settled' ? 'credited' : 'refunded',
    reason,
  })
}

/** Whose money it was: a channel's payer, else the wallet that called. */
function payerOf(books: Books, payment: Payment): Payment['wallet'] {
  return payment.channelId === null ? payment.wallet : needChannel(books, payment.channelId).payer
}
