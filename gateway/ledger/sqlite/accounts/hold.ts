import type { Account } from '../../Account.ts'
import type { Asset } from '../../Asset.ts'
import type { Books } from '../Books.ts'
import { expose, isOfChannel } from '../exposure/unsettled.ts'
import { sql } from '../sql.ts'
import { holdsOfPayment } from './end-hold.ts'
import { readAccount } from './read-account.ts'
import { writeAccount } from './write-account.ts'

const insert = sql<[payment: string, account: string, asset: string, amount: string]>`
  INSERT INTO holds (payment_id, account, asset, amount) VALUES (?, ?, ?, ?)`

/** Reserves an amount of an account for a payment. The caller has seen that it is available. */
export function hold(books: Books, payment: string, account: Account, asset: Asset, amount: bigint): void {
  if (amount === 0n) return
  const balance = readAccount(books, account, asset)
  writeAccount(books, account, asset, { ...balance, pending: balance.pending + amount })
  if (isOfChannel(account)) expose(books, asset, amount)
  const known = holdsOfPayment(books, payment)
  const id = books.insert(insert, payment, account, asset, String(amount))
  books.rows.holds.put(payment, [...known, { id, payment, account, asset, amount }])
}
