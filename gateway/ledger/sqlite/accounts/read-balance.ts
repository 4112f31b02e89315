import { type Account, sameName } from '../../Account.ts'
import type { Asset } from '../../Asset.ts'
import type { Books } from '../Books.ts'
import { readAccount } from './read-account.ts'

/** An account's balance, and what of it is left after holds. */
export function readBalance(
  books: Books,
  account: Account,
  asset: Asset,
): { posted: bigint; available: bigint } {
  const { posted, pending } = readAccount(books, sameName(account), asset.toLowerCase() as Asset)
  return { posted, available: posted - pending }
}
