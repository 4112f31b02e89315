import { isDebitAccount } from '../../Account.ts'
import type { Books } from '../Books.ts'
import { sql } from '../sql.ts'
import { reservedByWithdrawals } from './audit-withdrawals.ts'

const accounts = sql<[], { name: string; asset: string; posted: string; pending: string }>`
  SELECT name, asset, posted, pending FROM accounts`
const pending = sql<
  [],
  {
    id: number
    payment_id: string
    account: string
    asset: string
    amount: string
    delivery: string
    money: string
  }
>`
  SELECT holds.id, payment_id, account, holds.asset, holds.amount, delivery, money
  FROM holds JOIN payments ON payments.id = holds.payment_id`
const held = sql<[], { id: string; amount: string; hold: string | null }>`
  SELECT payments.id, payments.amount, holds.amount AS hold FROM payments
  LEFT JOIN holds ON holds.payment_id = payments.id
  WHERE payments.open = 1 AND delivery = 'held' AND money = 'held' AND rail <> 'charge' ORDER BY payments.id`

/** Law 2: nothing is below zero, and what is reserved is what the payments in flight hold. */
export function auditHolds(books: Books): string[] {
  const violations: string[] = []
  const reserved = new Map<string, bigint>()
  for (const hold of books.each(pending)) {
    const key = `${hold.account} ${hold.asset}`
    reserved.set(key, (reserved.get(key) ?? 0n) + BigInt(hold.amount))
    if (hold.delivery !== 'held' || hold.money !== 'held')
      violations.push(
        `hold ${hold.id} is pending; payment ${hold.payment_id} is ${hold.delivery}/${hold.money}`,
      )
  }
  for (const { account, asset, amount } of reservedByWithdrawals(books)) {
    const key = `${account} ${asset}`
    reserved.set(key, (reserved.get(key) ?? 0n) + BigInt(amount))
  }
  for (const row of books.each(accounts)) {
    const key = `${row.name} ${row.asset}`
    const [balance, kept] = [BigInt(row.posted), BigInt(row.pending)]
    const expected = reserved.get(key) ?? 0n
    if (isDebitAccount(row.name) ? balance > 0n : balance < 0n)
      violations.push(`account ${key} is at ${balance}`)
    if (kept !== expected) violations.push(`account ${key} reserves ${kept}; its holds sum to ${expected}`)
    if (kept > 0n && kept > balance) violations.push(`account ${key} reserves ${kept} of ${balance}`)
  }
  const missing = new Map<string, bigint>()
  for (const row of books.each(held))
    missing.set(row.id, (missing.get(row.id) ?? BigInt(row.amount)) - BigInt(row.hold ?? 0))
  for (const [id, amount] of missing)
    if (amount !== 0n) violations.push(`payment ${id} is held; its holds miss ${amount}`)
  return violations
}
