import * as Account from '../../Account.ts'
import * as Amount from '../../Amount.ts'
import { AmountError, ChainReferenceError } from '../../errors.ts'
import type { Ledger } from '../../Ledger.ts'
import type { Payment } from '../../Payment.ts'
import { judgeOperation } from '../../rules/judge-operation.ts'
import { post } from '../accounts/post.ts'
import type { Books } from '../Books.ts'
import { entryByRef } from '../chain/entries.ts'
import { collect } from '../reorg/debt.ts'
import { restoreCharge } from '../reorg/reverse.ts'
import { keepAnswer, removeAnswer } from './answers.ts'
import { needPayment } from './find-payment.ts'
import { savePayment } from './save-payment.ts'

/**
 * The transfer of a charge is on chain: it is earned, or made good as credit of the payer's wallet. What had been
 * written off as lost is recovered. The same movement again changes nothing.
 */
export function settled(books: Books, request: Ledger.SettledRequest): Payment {
  const payment = needPayment(books, request.paymentId)
  const { ref } = request
  const booked = entryByRef(books, ref)
  if (booked !== null && booked.payment_id !== payment.id)
    throw new ChainReferenceError(ref, `is booked for ${booked.payment_id ?? booked.channel_id}`)
  if (booked !== null) return payment
  if (payment.money === 'settled' || payment.money === 'credited')
    throw new ChainReferenceError(ref, `cannot settle "${payment.id}": ${payment.transaction} did`)
  if (payment.money === 'reversed')
    return restoreCharge(books, payment, ref, Amount.check(request.amount ?? payment.amount))
  const credit = request.deliver === 'credit'
  judgeOperation(payment, credit ? 'credit' : 'earn')

  const amount = Amount.check(request.amount ?? payment.amount)
  if (amount > payment.amount)
    throw new AmountError(amount, `is more than the ${payment.amount} authorised for "${payment.id}"`)
  const recovered = payment.money === 'lost'
  post(books, {
    debit: Account.treasury,
    credit: credit ? Account.wallet(payment.wallet) : recovered ? Account.loss : payment.earns,
    asset: payment.asset,
    amount,
    kind: credit ? 'credit' : recovered ? 'recovery' : 'charge',
    payment: payment.id,
    ref,
    at: books.clock.now(),
  })
  if (credit || payment.earns === Account.wallet(payment.wallet))
    collect(books, payment.wallet, payment.asset)
  if (credit) removeAnswer(books, payment.id)
  else keepAnswer(books, payment.id, request.answer)
  return savePayment(books, payment, {
    charged: credit ? 0n : amount,
    delivery: deliveryOf(payment, request.deliver),
    money: credit ? 'credited' : 'settled',
    transaction: ref.transaction.toLowerCase() as Payment['transaction'] & string,
    reason: request.reason ?? (credit || recovered ? payment.reason : null),
  })
}

/** What was delivered stays delivered. */
function deliveryOf(payment: Payment, deliver: Ledger.SettledRequest['deliver']): Payment['delivery'] {
  if (deliver === 'credit') return 'failed'
  return payment.delivery === 'delivered' ? 'delivered' : deliver
}
