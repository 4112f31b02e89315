import type { Account } from '../../Account.ts'

/** What a payment in flight reserves of an account, in base units. Its account's pending balance has it as well (law 2). */
export type Hold = { account: Account; amount: bigint }

/** As a payment's row has them. */
export function toText(holds: readonly Hold[]): string {
  if (holds.length === 0) return '[]'
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
