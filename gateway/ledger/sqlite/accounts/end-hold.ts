import type { Account } from '../../Account.ts'
import type { Asset } from '../../Asset.ts'
import type { Books } from '../Books.ts'
import { expose, isOfChannel } from '../exposure/unsettled.ts'
import { sql } from '../sql.ts'
import type { PendingHold } from '../working-set/WorkingSet.ts'
import { readAccount } from './read-account.ts'
import { writeAccount } from './write-account.ts'

export type Hold = PendingHold
type Row = { id: number; payment_id: string; account: Account; asset: Asset; amount: string }

const ofPayment = sql<[string], Row>`
  SELECT id, payment_id, account, asset, amount FROM holds WHERE payment_id = ? ORDER BY id`
const ofAccount = sql<[string, string], Row>`
  SELECT id, payment_id, account, asset, amount FROM holds WHERE account = ? AND asset = ? ORDER BY id`
const end = sql<[id: number]>`DELETE FROM holds WHERE id = ?`

/** Pending holds of a payment, oldest first. */
export function holdsOfPayment(books: Books, payment: string): readonly Hold[] {
  const known = books.rows.holds.get(payment)
  return known ?? books.rows.holds.keep(payment, books.all(ofPayment, payment).map(toHold))
}

/** Pending holds on an account, oldest first. */
export function holdsOfAccount(books: Books, account: Account, asset: Asset): Hold[] {
  return books.all(ofAccount, account, asset).map(toHold)
}

/** Ends a hold: what it reserved is available again. Where it is captured, the transfer follows in the same step. */
export function endHold(books: Books, hold: Hold): void {
  const balance = readAccount(books, hold.account, hold.asset)
  writeAccount(books, hold.account, hold.asset, { ...balance, pending: balance.pending - hold.amount })
  if (isOfChannel(hold.account)) expose(books, hold.asset, -hold.amount)
  const others = holdsOfPayment(books, hold.payment).filter(({ id }) => id !== hold.id)
  books.run(end, hold.id)
  books.rows.holds.put(hold.payment, others)
}

function toHold(row: Row): Hold {
  return {
    id: row.id,
    payment: row.payment_id,
    account: row.account,
    asset: row.asset,
    amount: BigInt(row.amount),
  }
}
