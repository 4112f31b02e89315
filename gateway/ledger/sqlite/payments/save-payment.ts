import { isOpen, type Payment } from '../../Payment.ts'
import type { Books } from '../Books.ts'
import { sql } from '../sql.ts'

const save = sql<
  [
    charged: string,
    delivery: string,
    money: string,
    transaction: string | null,
    reason: string | null,
    bytes: number | null,
    whole: number | null,
    owner: string | null,
    isHeld: number,
    updatedAt: number,
    id: string,
  ]
>`
  UPDATE payments SET charged = ?, delivery = ?, money = coalesce(nullif(?, 'reversed'), money), tx = ?, reason = ?,
    bytes = ?, whole = ?, owner = ?, holds = iif(?, holds, '[]'), updated_at = ?
  WHERE id = ?`

/** Moves a payment on: unless it stays held, its holds end here. Returns it as it is now. */
export function savePayment(books: Books, payment: Payment, change: savePayment.Change): Payment {
  const next: Payment = { ...payment, ...change, updatedAt: books.clock.now() }
  books.run(
    save,
    String(next.charged),
    next.delivery,
    next.money,
    next.transaction,
    next.reason,
    next.delivered?.bytes ?? null,
    next.delivered === null ? null : Number(next.delivered.whole),
    next.owner,
    Number(isHeld(next)),
    next.updatedAt,
    next.id,
  )
  // That the chain took its money back is said beside its state, and stays until it is unsaid there.
  const row: Payment = payment.money === 'reversed' ? { ...next, money: 'reversed' } : next
  if (isOpen(row) || isRepeat(row)) books.rows.payments.put(next.id, row)
  else books.rows.payments.drop(next.id)
  if (!isHeld(row)) books.rows.holds.drop(next.id)
  return next
}

const isHeld = ({ delivery, money }: Payment) => delivery === 'held' && money === 'held'

/** The next call under the same voucher looks at the one before it. */
const isRepeat = ({ rail, key }: Payment) => rail === 'channel' && key.includes('#')

export declare namespace savePayment {
  type Change = Partial<
    Pick<Payment, 'charged' | 'delivery' | 'money' | 'transaction' | 'delivered' | 'owner' | 'reason'>
  >
}
