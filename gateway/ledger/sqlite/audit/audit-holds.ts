import { isDebitAccount } from '../../Account.ts'
import type { Books } from '../Books.ts'
import { type Hold, holdsOf } from '../payments/Hold.ts'
import { sql } from '../sql.ts'
import { reservedByWithdrawals } from './audit-withdrawals.ts'

type Row = {
  id: string
  rail: string
  asset: string
  amount: string
  delivery: string
  money: string
  holds: string
}

const accounts = sql<[], { name: string; asset: string; posted: string; pending: string }>`
  SELECT name, asset, posted, pending FROM balances`
const holding = sql<[], Row>`
  SELECT id, rail, asset, amount, delivery, money, holds FROM payments
  WHERE holds <> '[]' OR (delivery = 'held' AND money = 'held' AND rail <> 'charge')`

/** Law 2: nothing is below zero, and what is reserved is what the payments in flight hold. */
export function auditHolds(books: Books): string[] {
  const violations: string[] = []
  const reserved = new Map<string, bigint>()
  for (const row of books.each(holding)) violations.push(...judge(row, reserved))
  for (const { account, asset, amount } of reservedByWithdrawals(books)) {
    const key = `${account} ${asset}`
    reserved.set(key, (reserved.get(key) ?? 0n) + BigInt(amount))
  }
  for (const row of books.each(accounts)) {
    const key = `${row.name} ${row.asset}`
    const [balance, kept] = [BigInt(row.posted), BigInt(row.pending)]
    const expected = reserved.get(key) ?? 0n
    reserved.delete(key)
    if (isDebitAccount(row.name) ? balance > 0n : balance < 0n)
      violations.push(`account ${key} is at ${balance}`)
    if (kept !== expected) violations.push(`account ${key} reserves ${kept}; its holds sum to ${expected}`)
    if (kept > 0n && kept > balance) violations.push(`account ${key} reserves ${kept} of ${balance}`)
  }
  for (const [key, amount] of reserved)
    violations.push(`account ${key} is missing; its holds sum to ${amount}`)
  return violations
}

/** Adds what a payment holds to what its accounts reserve, and says what is wrong with it. */
function judge(row: Row, reserved: Map<string, bigint>): string[] {
  const holds = readHolds(row.holds)
  if (holds === null) return [`payment ${row.id} has holds that cannot be read`]
  let sum = 0n
  for (const { account, amount } of holds) {
    const key = `${account} ${row.asset}`
    reserved.set(key, (reserved.get(key) ?? 0n) + amount)
    sum += amount
  }
  const isHeld = row.delivery === 'held' && row.money === 'held'
  if (!isHeld) return [`payment ${row.id} is ${row.delivery}/${row.money} and holds ${sum}`]
  const missing = row.rail === 'charge' ? -sum : BigInt(row.amount) - sum
  return missing === 0n ? [] : [`payment ${row.id} is held; its holds miss ${missing}`]
}

function readHolds(text: string): Hold[] | null {
  try {
    return holdsOf(text)
  } catch {
    return null
  }
}
