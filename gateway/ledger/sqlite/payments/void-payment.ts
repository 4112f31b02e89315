import type { Payment } from '../../Payment.ts'
import { judgeOperation } from '../../rules/judge-operation.ts'
import { endHold, holdsOfPayment } from '../accounts/end-hold.ts'
import type { Books } from '../Books.ts'
import { removeAnswer } from './answers.ts'
import { needPayment } from './find-payment.ts'
import { savePayment } from './save-payment.ts'
import { afterHold } from './spend.ts'

/** Releases a hold in full: nothing was delivered, nothing is charged, and the same call may be claimed again. */
export function voidPayment(books: Books, paymentId: string, reason: string): Payment {
  const payment = needPayment(books, paymentId)
  if (judgeOperation(payment, 'void') === 'done') return payment
  for (const held of holdsOfPayment(books, payment.id)) endHold(books, held)
  afterHold(books, payment)
  removeAnswer(books, payment.id)
  return savePayment(books, payment, { delivery: 'void', money: 'void', reason })
}
