import type { Account } from '../../Account.ts'
import type { Asset } from '../../Asset.ts'
import type { Books } from '../Books.ts'
import { type Balance, balanceOf } from '../working-set/balances.ts'

/** An account's balance (credits minus debits) and what of it is held. Zero when it was never used. */
export function readAccount(books: Books, account: Account, asset: Asset): Balance {
  return balanceOf(books, account, asset)
}
