import type { Payment } from '../../Payment.ts'
import { judgeOperation } from '../../rules/judge-operation.ts'
import type { Books } from '../Books.ts'
import { needPayment } from './find-payment.ts'
import { savePayment } from './save-payment.ts'

/**
 * The answer left, as far as `delivered` says. On the charge rail also before the money is there (order `after`).
 */
export function complete(books: Books, paymentId: string, delivered: Payment['delivered'] = null): Payment {
  const payment = needPayment(books, paymentId)
  if (judgeOperation(payment, 'complete') === 'done') return payment
  return savePayment(books, payment, { delivery: 'delivered', delivered })
}
