import type { Account } from '../../Account.ts'
import type { Asset } from '../../Asset.ts'
import type { Books } from '../Books.ts'
import { sql } from '../sql.ts'

/** What a payment in flight reserves of an account, in base units. Its account's pending balance has it as well (law 2). */
export type Hold = { account: Account; amount: bigint }

const ofPayment = sql<[payment: string], { holds: string }>`SELECT holds FROM payments WHERE id = ?`
const ofOpen = sql<[asset: string], { id: string; holds: string }>`
  SELECT id, holds FROM payments WHERE open = 1 AND asset = ? AND holds <> '[]' ORDER BY created_at, id`
const write = sql<[holds: string, payment: string]>`UPDATE payments SET holds = ? WHERE id = ?`

/** What a payment holds: once for each account. */
export function holdsOfPayment(books: Books, payment: string): readonly Hold[] {
  const known = books.rows.holds.get(payment)
  return known ?? books.rows.holds.keep(payment, holdsOf(books.get(ofPayment, payment)?.holds ?? '[]'))
}

/** Payments that hold something in an asset, and what, oldest first. */
export function allHolds(books: Books, asset: Asset): { payment: string; holds: Hold[] }[] {
  return books.all(ofOpen, asset).map(({ id, holds }) => ({ payment: id, holds: holdsOf(holds) }))
}

/** Writes anew what a payment holds. What is to be reserved of the accounts is the caller's part. */
export function writeHolds(books: Books, payment: string, holds: readonly Hold[]): void {
  const kept = holds.filter(({ amount }) => amount > 0n)
  books.run(write, toText(kept), payment)
  books.rows.holds.put(payment, kept)
}

/** As a payment's row has them. */
export function toText(holds: readonly Hold[]): string {
  return JSON.stringify(holds.map(({ account, amount }) => [account, String(amount)]))
}

/** From a payment's row, which the schema keeps valid. */
export function holdsOf(text: string): Hold[] {
  if (text === '[]') return []
  return (JSON.parse(text) as [Account, string][]).map(([account, amount]) => ({
    account,
    amount: BigInt(amount),
  }))
}
