import type { Account } from '../../Account.ts'
import type { Asset } from '../../Asset.ts'
import type { Books } from '../Books.ts'
import { sql } from '../sql.ts'

const read = sql<[string, string], { posted: string; pending: string }>`
  SELECT posted, pending FROM accounts WHERE name = ? AND asset = ?`

/** An account's balance (credits minus debits) and what of it is held. Zero when it was never used. */
export function readAccount(
  books: Books,
  account: Account,
  asset: Asset,
): { posted: bigint; pending: bigint } {
  const row = books.get(read, account, asset)
  return { posted: BigInt(row?.posted ?? 0), pending: BigInt(row?.pending ?? 0) }
}
