import * as Amount from '../../Amount.ts'
import { AmountError } from '../../errors.ts'
import type { Ledger } from '../../Ledger.ts'
import type { Payment } from '../../Payment.ts'
import { judgeOperation } from '../../rules/judge-operation.ts'
import { reserve } from '../accounts/reserve.ts'
import type { Books } from '../Books.ts'
import { keepAnswer } from './answers.ts'
import { needPayment } from './find-payment.ts'
import { holdsOfPayment } from './holds.ts'
import { savePayment } from './save-payment.ts'
import { afterHold, spend } from './spend.ts'

/** Charges what a call did cost and releases the rest of what was held. */
export function capture(books: Books, request: Ledger.CaptureRequest): Payment {
  const payment = needPayment(books, request.paymentId)
  judgeOperation(payment, 'capture')
  if (Amount.check(request.amount) > payment.amount)
    throw new AmountError(
      request.amount,
      `is more than the ${payment.amount} held for payment "${payment.id}"`,
    )
  let left = request.amount
  for (const held of holdsOfPayment(books, payment.id)) {
    const part = Amount.min(left, held.amount)
    reserve(books, held.account, payment.asset, -held.amount)
    spend(books, payment, held.account, part)
    left -= part
  }
  if (left > 0n) throw new AmountError(left, `of payment "${payment.id}" is not held`)
  afterHold(books, payment)
  keepAnswer(books, payment.id, request.answer)
  const whole = request.answer !== undefined || request.complete === true
  return savePayment(books, payment, {
    charged: request.amount,
    delivery: whole ? 'delivered' : 'delivering',
    money: 'captured',
  })
}
