import { LedgerIntegrityError } from '../../errors.ts'
import type { Books } from '../Books.ts'
import { sql } from '../sql.ts'

/** What an account has and what of it is held, in base units. `stored` once it has a row. */
export type Balance = { posted: bigint; pending: bigint; stored: boolean }

const read = sql<[name: string, asset: string], { posted: string; pending: string }>`
  SELECT posted, pending FROM accounts WHERE name = ? AND asset = ?`
const insert = sql<[name: string, asset: string, posted: string, pending: string]>`
  INSERT INTO accounts (name, asset, posted, pending) VALUES (?, ?, ?, ?)`
const write = sql<[posted: string, pending: string, name: string, asset: string]>`
  UPDATE accounts SET posted = ?, pending = ? WHERE name = ? AND asset = ?`

/** An account in one asset, as a key. Neither contains a space: a route's name may, and stands before the last one. */
export function balanceKey(account: string, asset: string): string {
  return `${account} ${asset}`
}

/** An account as it is now. */
export function balanceOf(books: Books, account: string, asset: string): Balance {
  const key = balanceKey(account, asset)
  const known = books.rows.balances.get(key)
  if (known !== undefined) return known
  const row = books.load(read, account, asset)
  return books.rows.balances.keep(key, {
    posted: BigInt(row?.posted ?? 0),
    pending: BigInt(row?.pending ?? 0),
    stored: row !== null,
  })
}

/** Changes an account. A new one is written at once: transfers refer to it. */
export function setBalance(
  books: Books,
  account: string,
  asset: string,
  { posted, pending }: Omit<Balance, 'stored'>,
): void {
  const key = balanceKey(account, asset)
  const known = balanceOf(books, account, asset)
  if (!known.stored) {
    books.write(insert, account, asset, String(posted), String(pending))
    books.rows.balances.drop(key)
  }
  books.rows.balances.set(key, { posted, pending, stored: true })
  books.writes++
}

export function writeBalance(books: Books, key: string, { posted, pending }: Balance): void {
  const split = key.lastIndexOf(' ')
  const [name, asset] = [key.slice(0, split), key.slice(split + 1)]
  if (books.write(write, String(posted), String(pending), name, asset) !== 1)
    throw new LedgerIntegrityError(`account "${name}" in ${asset} has no row`)
}
