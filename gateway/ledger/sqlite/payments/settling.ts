import type { Ledger } from '../../Ledger.ts'
import type { Payment } from '../../Payment.ts'
import { judgeOperation } from '../../rules/judge-operation.ts'
import type { Books } from '../Books.ts'
import { addDoubt } from '../doubts/doubts.ts'
import { keepAnswer } from './answers.ts'
import { needPayment } from './find-payment.ts'
import { savePayment } from './save-payment.ts'

/** A transaction for it is about to be sent: from here on only the chain can tell. */
export function settling(books: Books, request: Ledger.SettlingRequest): Payment {
  const payment = needPayment(books, request.paymentId)
  const verdict = judgeOperation(payment, 'settling')
  keepAnswer(books, payment.id, request.answer)
  return verdict === 'done' ? payment : savePayment(books, payment, { money: 'settling' })
}

/** The chain did not answer in time: unless it has been given what it bought, its caller is left without an answer. */
export function unknown(books: Books, paymentId: string, reason: string): Payment {
  const payment = needPayment(books, paymentId)
  if (judgeOperation(payment, 'unknown') === 'done') return payment
  if (payment.delivery !== 'delivered') addDoubt(books, payment)
  return savePayment(books, payment, { money: 'unknown', owner: null, reason })
}
