import type { Address } from 'viem'
import * as Account from '../../Account.ts'
import * as Amount from '../../Amount.ts'
import type { Asset } from '../../Asset.ts'
import type { Reorg } from '../../Reorg.ts'
import { post } from '../accounts/post.ts'
import { readAccount } from '../accounts/read-account.ts'
import type { Books } from '../Books.ts'
import { sql } from '../sql.ts'

type Row = { name: string; asset: Asset; posted: string }

const all = sql<[], Row>`
  SELECT name, asset, posted FROM accounts WHERE name > 'debt:' AND name < 'debt;' AND posted <> '0'`
const ofWallet = sql<[name: string], Row>`
  SELECT name, asset, posted FROM accounts WHERE name = ? AND posted <> '0'`

const any = sql<[], { one: number }>`
  SELECT 1 AS one FROM accounts WHERE name > 'debt:' AND name < 'debt;' AND posted <> '0' LIMIT 1`

/** What wallets owe; of one, or of all. */
export function debts(books: Books, wallet?: Address): Reorg.Debt[] {
  if (wallet !== undefined && !isAnyoneInDebt(books)) return []
  const rows = wallet === undefined ? books.all(all) : books.all(ofWallet, Account.debt(wallet))
  return rows.map(({ name, asset, posted }) => ({
    wallet: name.slice('debt:'.length) as Address,
    asset,
    owed: -BigInt(posted),
  }))
}

export function isDebt(account: string): boolean {
  return account.startsWith('debt:')
}

/** Almost never is anybody in debt; then no call has to ask. Known until a debt is booked or paid. */
function isAnyoneInDebt(books: Books): boolean {
  const known = books.rows.single.get('debt')
  if (known !== undefined && 'anyDebt' in known) return known.anyDebt
  const anyDebt = books.get(any) !== null
  books.rows.single.put('debt', { anyDebt })
  return anyDebt
}

/** Takes from a wallet's credit what its holds leave, and makes the rest its debt. */
export function takeBack(
  books: Books,
  { wallet, asset, amount, payment }: { wallet: Address; asset: Asset; amount: bigint; payment: string },
): number {
  const credit = Account.wallet(wallet)
  const { posted, pending } = readAccount(books, credit, asset)
  const there = Amount.min(amount, posted - pending)
  const entry = { credit: Account.treasury, asset, kind: 'reversal', payment, at: books.clock.now() } as const
  const first = post(books, { ...entry, debit: credit, amount: there })
  const rest = post(books, { ...entry, debit: Account.debt(wallet), amount: amount - there })
  return first ?? rest ?? 0
}

/** Pays a debt from the wallet's credit, as far as its holds leave any. Returns what is still owed. */
export function collect(books: Books, wallet: Address, asset: Asset): bigint {
  const owed = -readAccount(books, Account.debt(wallet), asset).posted
  if (owed === 0n) return 0n
  const { posted, pending } = readAccount(books, Account.wallet(wallet), asset)
  const amount = Amount.min(owed, posted - pending)
  const at = books.clock.now()
  post(books, {
    debit: Account.wallet(wallet),
    credit: Account.debt(wallet),
    asset,
    amount,
    kind: 'repay',
    at,
  })
  return owed - amount
}
