import type { Account } from '../../Account.ts'
import type { Asset } from '../../Asset.ts'
import type { Books } from '../Books.ts'
import { sql } from '../sql.ts'

const write = sql<[string, string, string, string]>`
  INSERT INTO accounts (name, asset, posted, pending) VALUES (?, ?, ?, ?)
  ON CONFLICT (name, asset) DO UPDATE SET posted = excluded.posted, pending = excluded.pending`

/** Keeps an account's balances. Only `post` and the holds call it; the schema refuses what breaks law 2. */
export function writeAccount(
  books: Books,
  account: Account,
  asset: Asset,
  balance: { posted: bigint; pending: bigint },
): void {
  books.run(write, account, asset, String(balance.posted), String(balance.pending))
}
