import { isDebitAccount, isOfChannel } from '../../Account.ts'
import { LedgerIntegrityError } from '../../errors.ts'
import type { Books } from '../Books.ts'
import { sql } from '../sql.ts'
import { booksOf, setBooks } from './channels.ts'
import { WriteBehind } from './WriteBehind.ts'

/** What an account has and what of it is held, in base units. `stored`: it has a row of its own; unsaid where it is not known. */
export type Balance = { posted: bigint; pending: bigint; stored?: boolean }
export type StoredBalance = Balance & { stored: boolean }

const read = sql<[name: string, asset: string], { posted: string; pending: string }>`
  SELECT posted, pending FROM accounts WHERE name = ? AND asset = ?`
const insert = sql<[name: string, asset: string]>`
  INSERT INTO accounts (name, asset, posted, pending) VALUES (?, ?, '0', '0')`
type Saved = [posted: string, pending: string, name: string, asset: string]
export const saveBalance = sql<Saved>`
  UPDATE accounts SET posted = ?, pending = ? WHERE name = ? AND asset = ?`

/** An account in one asset, as a key. Neither contains a space: a route's name may, and stands before the last one. */
export function balanceKey(account: string, asset: string): string {
  return `${account} ${asset}`
}

/** An account as it is now. Those of a channel stand in the channel's row. */
export function balanceOf(books: Books, account: string, asset: string): Balance {
  return isOfChannel(account) ? balanceOfChannel(books, account, asset) : storedBalance(books, account, asset)
}

/** Changes an account. */
export function setBalance(books: Books, account: string, asset: string, balance: Balance): void {
  if (isOfChannel(account)) setBalanceOfChannel(books, account, asset, balance)
  else setStoredBalance(books, account, asset, balance)
}

/** A new one has a row at once, of nothing: transfers refer to it. What it has comes with them. */
function setStoredBalance(
  books: Books,
  account: string,
  asset: string,
  { posted, pending, stored = storedBalance(books, account, asset).stored }: Balance,
): void {
  const key = balanceKey(account, asset)
  if (!stored) {
    books.write(insert, account, asset)
    books.rows.balances.drop(key)
  }
  books.rows.balances.set(key, { posted, pending, stored: true })
  books.writes++
}

/** Accounts with a row of their own. A schema that refused one would refuse what `isSound` does (law 2). */
export function balances(books: Books): WriteBehind<StoredBalance> {
  return new WriteBehind({
    write(changes) {
      for (const { key, row } of changes) {
        const values = saved(key, row)
        if (books.write(saveBalance, ...values) !== 1)
          throw new LedgerIntegrityError(`account "${values[2]}" in ${values[3]} has no row`)
      }
    },
    kept: (row) => row,
    entry: (key, row) => ['account', ...saved(key, row)],
    isSound: (key, { posted, pending }) =>
      (isDebitAccount(key.slice(0, key.lastIndexOf(' '))) ? posted <= 0n : posted >= 0n) &&
      pending >= 0n &&
      (pending === 0n || pending <= posted),
  })
}

function saved(key: string, { posted, pending }: Balance): Saved {
  const split = key.lastIndexOf(' ')
  return [String(posted), String(pending), key.slice(0, split), key.slice(split + 1)]
}

function storedBalance(books: Books, account: string, asset: string): StoredBalance {
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

/** `channel:` and `prepaid:` are equally long. */
const channelOf = (account: string) => account.slice('channel:'.length)

function balanceOfChannel(books: Books, account: string, asset: string): Balance {
  const row = booksOf(books, channelOf(account))
  if (row === null || row.channel.asset !== asset) return { posted: 0n, pending: 0n }
  if (account.startsWith('channel:')) return { posted: -row.owed, pending: 0n }
  return { posted: row.prepaid, pending: row.channel.reserved }
}

function setBalanceOfChannel(
  books: Books,
  account: string,
  asset: string,
  { posted, pending }: Balance,
): void {
  const row = booksOf(books, channelOf(account))
  if (row === null || row.channel.asset !== asset)
    throw new LedgerIntegrityError(`account "${account}" in ${asset} is of no channel`)
  if (account.startsWith('channel:')) setBooks(books, { ...row, owed: -posted })
  else if (row.channel.reserved === pending) setBooks(books, { ...row, prepaid: posted })
  else setBooks(books, { ...row, prepaid: posted, channel: { ...row.channel, reserved: pending } })
}
