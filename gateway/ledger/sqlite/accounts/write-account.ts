import type { Account } from '../../Account.ts'
import type { Asset } from '../../Asset.ts'
import type { Books } from '../Books.ts'
import { isDebt } from '../reorg/debt.ts'
import { type Balance, setBalance } from '../working-set/balances.ts'

/** Keeps an account's balances. Only `post` and the holds call it; the schema refuses what breaks law 2. */
export function writeAccount(books: Books, account: Account, asset: Asset, balance: Balance): void {
  setBalance(books, account, asset, balance)
  if (isDebt(account)) books.rows.single.drop('debt')
}
