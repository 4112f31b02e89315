import type { Address, Hex } from 'viem'
import * as Account from '../../Account.ts'
import * as Amount from '../../Amount.ts'
import type { Asset } from '../../Asset.ts'
import { AmountError } from '../../errors.ts'
import type { Request, RequestResult, Withdrawal } from '../../Withdrawal.ts'
import { readAccount } from '../accounts/read-account.ts'
import { writeAccount } from '../accounts/write-account.ts'
import type { Books } from '../Books.ts'
import { collect } from '../reorg/debt.ts'
import { sql } from '../sql.ts'
import { needWithdrawal, withdrawalByKey, withdrawalByNonce } from './find-withdrawal.ts'

const insert = sql<
  [
    id: string,
    wallet: string,
    asset: string,
    amount: string,
    recipient: string,
    state: string,
    key: string,
    nonce: string | null,
    reason: string | null,
    createdAt: number,
    updatedAt: number,
  ]
>`
  INSERT INTO withdrawals
    (id, wallet, asset, amount, recipient, state, key, nonce, reason, created_at, updated_at)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`
const asked = sql<[asset: string, since: number], { wallet: Address; amount: string }>`
  SELECT wallet, amount FROM withdrawals WHERE asset = ? AND created_at > ? AND state <> 'failed'`

/**
 * Asks for a withdrawal. The order is the rule: a key or nonce that was used answers first, then the balance, then the
 * limits; then the amount is reserved and the row written.
 */
export function requestWithdrawal(books: Books, raw: Request): RequestResult {
  const request = normalise(raw)
  const { key, nonce, wallet, asset, amount } = request
  const earlier =
    withdrawalByKey(books, key) ?? (nonce === null ? null : withdrawalByNonce(books, wallet, nonce))
  if (earlier !== null)
    return isSame(earlier, request) ? { outcome: 'replayed', withdrawal: earlier } : { outcome: 'conflict' }

  // What the wallet owes is paid first, and nothing leaves while it owes more.
  if (collect(books, wallet, asset) > 0n) return { outcome: 'insufficient', available: 0n }
  const account = Account.wallet(wallet)
  const balance = readAccount(books, account, asset)
  const available = balance.posted - balance.pending
  if (available < amount) return { outcome: 'insufficient', available }
  const over = overLimit(books, request)
  if (over !== null) return over

  const held = amount > request.limits.holdAbove
  writeAccount(books, account, asset, { ...balance, pending: balance.pending + amount })
  books.run(
    insert,
    request.id,
    wallet,
    asset,
    String(amount),
    request.to,
    held ? 'held-for-operator' : 'requested',
    key,
    nonce,
    held ? 'An operator looks at withdrawals of this size.' : null,
    request.now,
    request.now,
  )
  return { outcome: 'fresh', withdrawal: needWithdrawal(books, request.id) }
}

/** What was asked for within the window counts, unless it failed: for this wallet, and in all. */
function overLimit(books: Books, { wallet, asset, amount, limits }: Request): RequestResult | null {
  let [own, all] = [0n, 0n]
  for (const row of books.all(asked, asset, limits.since)) {
    all += BigInt(row.amount)
    if (row.wallet === wallet) own += BigInt(row.amount)
  }
  const left = Amount.greater(limits.perWallet - own, 0n)
  if (amount > left) return { outcome: 'over-limit', limit: 'wallet', left }
  if (all + amount <= limits.total) return null
  return { outcome: 'over-limit', limit: 'total', left: Amount.greater(limits.total - all, 0n) }
}

function isSame(earlier: Withdrawal, request: Request): boolean {
  return (
    earlier.wallet === request.wallet &&
    earlier.asset === request.asset &&
    earlier.amount === request.amount &&
    earlier.to === request.to
  )
}

/** One wallet has one name. */
function normalise(request: Request): Request {
  if (Amount.check(request.amount) === 0n) throw new AmountError(request.amount, 'cannot be withdrawn')
  return {
    ...request,
    wallet: request.wallet.toLowerCase() as Address,
    to: request.to.toLowerCase() as Address,
    asset: request.asset.toLowerCase() as Asset,
    nonce: request.nonce === null ? null : (request.nonce.toLowerCase() as Hex),
  }
}
