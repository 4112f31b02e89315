import type { Address, Hex } from 'viem'
import type { Asset } from '../../Asset.ts'
import { WithdrawalNotFoundError } from '../../errors.ts'
import type { State, Withdrawal } from '../../Withdrawal.ts'
import type { Books } from '../Books.ts'
import { sql } from '../sql.ts'

type Row = {
  id: string
  wallet: Address
  asset: Asset
  amount: string
  recipient: Address
  state: State
  tx: Hex | null
  reason: string | null
  created_at: number
  updated_at: number
}

const byId = sql<[id: string], Row>`SELECT * FROM withdrawals WHERE id = ?`
const byKey = sql<[key: string], Row>`SELECT * FROM withdrawals WHERE key = ?`
const byNonce = sql<[wallet: string, nonce: string], Row>`
  SELECT * FROM withdrawals WHERE wallet = ? AND nonce = ?`
const ofWallet = sql<[wallet: string, limit: number], Row>`
  SELECT * FROM withdrawals WHERE wallet = ? ORDER BY created_at DESC, id LIMIT ?`
const newest = sql<[limit: number], Row>`
  SELECT * FROM withdrawals WHERE rowid > 0 ORDER BY rowid DESC LIMIT ?`
const open = sql<[limit: number], Row>`
  SELECT * FROM withdrawals WHERE open = 1 ORDER BY created_at, id LIMIT ?`

/** A withdrawal by its id. */
export function findWithdrawal(books: Books, id: string): Withdrawal | null {
  return orNull(books.get(byId, id))
}

/** One that must be there. */
export function needWithdrawal(books: Books, id: string): Withdrawal {
  const found = findWithdrawal(books, id)
  if (found === null) throw new WithdrawalNotFoundError(id)
  return found
}

/** A withdrawal by what makes asking twice one. */
export function withdrawalByKey(books: Books, key: string): Withdrawal | null {
  return orNull(books.get(byKey, key))
}

/** A withdrawal by the nonce of its signed request. */
export function withdrawalByNonce(books: Books, wallet: Address, nonce: Hex): Withdrawal | null {
  return orNull(books.get(byNonce, wallet, nonce))
}

/** Withdrawals, newest first. */
export function listWithdrawals(books: Books, filter: { wallet?: Address; limit: number }): Withdrawal[] {
  const { wallet, limit } = filter
  const rows =
    wallet === undefined ? books.all(newest, limit) : books.all(ofWallet, wallet.toLowerCase(), limit)
  return rows.map(toWithdrawal)
}

/** Those that have not ended, oldest first. */
export function openWithdrawals(books: Books, limit: number): Withdrawal[] {
  return books.all(open, limit).map(toWithdrawal)
}

const orNull = (row: Row | null) => (row === null ? null : toWithdrawal(row))

function toWithdrawal(row: Row): Withdrawal {
  return {
    id: row.id,
    wallet: row.wallet,
    asset: row.asset,
    amount: BigInt(row.amount),
    to: row.recipient,
    state: row.state,
    transaction: row.tx,
    reason: row.reason,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  }
}
