import type { Payment } from '../../Payment.ts'
import { judgeOperation } from '../../rules/judge-operation.ts'
import { reserve } from '../accounts/reserve.ts'
import type { Books } from '../Books.ts'
import { removeAnswer } from './answers.ts'
import { needPayment } from './find-payment.ts'
import { holdsOfPayment } from './holds.ts'
import { savePayment } from './save-payment.ts'
import { afterHold } from './spend.ts'

/** Releases a hold in full: nothing was delivered, nothing is charged, and the same call may be claimed again. */
export function voidPayment(books: Books, paymentId: string, reason: string): Payment {
  const payment = needPayment(books, paymentId)
  if (judgeOperation(payment, 'void') === 'done') return payment
  for (const { account, amount } of holdsOfPayment(books, payment.id))
    reserve(books, account, payment.asset, -amount)
  afterHold(books, payment)
  removeAnswer(books, payment.id)
  return savePayment(books, payment, { delivery: 'void', money: 'void', reason })
}
