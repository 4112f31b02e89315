import { type Account, sameName } from '../../Account.ts'
import type { Asset } from '../../Asset.ts'
import type { Books } from '../Books.ts'
import { sql } from '../sql.ts'

const list = sql<[from: string, to: string], { name: Account; asset: Asset; posted: string }>`
  SELECT name, asset, posted FROM accounts WHERE name >= ? AND name < ? ORDER BY name, asset`

/** Balances of the accounts whose name begins with `prefix`, by name. */
export function listBalances(
  books: Books,
  filter: { prefix?: string } = {},
): { account: Account; asset: Asset; posted: bigint }[] {
  const prefix = sameName(filter.prefix ?? '')
  return books
    .all(list, prefix, `${prefix}\u{10ffff}`)
    .map((row) => ({ account: row.name, asset: row.asset, posted: BigInt(row.posted) }))
}
