import type { Payment } from '../../Payment.ts'
import { judgeOperation } from '../../rules/judge-operation.ts'
import type { Books } from '../Books.ts'
import { needPayment } from './find-payment.ts'
import { savePayment } from './save-payment.ts'

/** The answer left whole. On the charge rail also before the money is there (order `after`). */
export function complete(books: Books, paymentId: string): Payment {
  const payment = needPayment(books, paymentId)
  if (judgeOperation(payment, 'complete') === 'done') return payment
  return savePayment(books, payment, { delivery: 'delivered' })
}
