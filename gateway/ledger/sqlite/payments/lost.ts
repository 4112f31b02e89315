import * as Account from '../../Account.ts'
import { PaymentStateError } from '../../errors.ts'
import type { Payment } from '../../Payment.ts'
import { judgeOperation } from '../../rules/judge-operation.ts'
import { post } from '../accounts/post.ts'
import type { Books } from '../Books.ts'
import { needPayment } from './find-payment.ts'
import { savePayment } from './save-payment.ts'

/** Delivered and uncollectable: earned, at our own cost. A top-up is never delivered before it is paid. */
export function lost(books: Books, paymentId: string, reason: string): Payment {
  const payment = needPayment(books, paymentId)
  if (judgeOperation(payment, 'lost') === 'done') return payment
  if (payment.earns.startsWith('wallet:')) throw new PaymentStateError('lost', payment)
  post(books, {
    debit: Account.loss,
    credit: payment.earns,
    asset: payment.asset,
    amount: payment.amount,
    kind: 'loss',
    payment: payment.id,
    at: books.clock.now(),
  })
  return savePayment(books, payment, { delivery: 'delivered', money: 'lost', reason })
}
