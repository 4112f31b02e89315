import type { Books } from '../Books.ts'
import { sql } from '../sql.ts'
import type { TransferAudit } from './transfers-in-order.ts'

const accounts = sql<
  [],
  { name: string; asset: string; posted: string }
>`SELECT name, asset, posted FROM balances`

/** Law 1: balances sum to zero, and each is what its transfers sum to. */
export function auditSums(books: Books): TransferAudit {
  const violations: string[] = []
  const booked = new Map<string, bigint>()
  const add = (name: string, asset: string, amount: bigint) => {
    const key = `${name} ${asset}`
    booked.set(key, (booked.get(key) ?? 0n) + amount)
  }
  return {
    take({ id, debit, credit, asset, amount }) {
      const units = BigInt(amount)
      if (units < 0n || debit === credit)
        violations.push(`transfer ${id} moves ${amount} from ${debit} to ${credit}`)
      add(debit, asset, -units)
      add(credit, asset, units)
    },
    violations: () => violations.concat(compare(books, booked)),
  }
}

function compare(books: Books, booked: Map<string, bigint>): string[] {
  const violations: string[] = []
  const sums = new Map<string, bigint>()
  for (const { name, asset, posted } of books.each(accounts)) {
    const key = `${name} ${asset}`
    const expected = booked.get(key) ?? 0n
    if (expected !== BigInt(posted))
      violations.push(`account ${key} says ${posted}; its transfers sum to ${expected}`)
    booked.delete(key)
    sums.set(asset, (sums.get(asset) ?? 0n) + BigInt(posted))
  }
  for (const [key, amount] of booked)
    violations.push(`account ${key} is missing; its transfers sum to ${amount}`)
  for (const [asset, sum] of sums) if (sum !== 0n) violations.push(`asset ${asset} sums to ${sum}, not to 0`)
  return violations
}
