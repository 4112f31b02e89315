import { PaymentNotFoundError } from '../../errors.ts'
import type { Payment } from '../../Payment.ts'
import type { Books } from '../Books.ts'
import { booksOfPayment, moved, movePayment, setPayment } from '../working-set/payments.ts'

/** Moves a payment on: unless it stays held, its holds end here. Returns it as it is now. */
export function savePayment(books: Books, payment: Payment, change: savePayment.Change): Payment {
  const row = booksOfPayment(books, payment.id)
  if (row === null) throw new PaymentNotFoundError(payment.id)
  const next: Payment = { ...payment, ...change, updatedAt: books.clock.now() }
  const saved = { ...row, payment: next, holds: isHeld(next) ? row.holds : [] }
  if (payment.money !== 'reversed') setPayment(books, saved)
  else {
    // That the chain took its money back is said beside its state, and memory has one of the two.
    books.run(movePayment, ...moved(saved))
    books.rows.payments.drop(next.id)
  }
  return next
}

const isHeld = ({ delivery, money }: Payment) => delivery === 'held' && money === 'held'

export declare namespace savePayment {
  type Change = Partial<
    Pick<Payment, 'charged' | 'delivery' | 'money' | 'transaction' | 'delivered' | 'owner' | 'reason'>
  >
}
