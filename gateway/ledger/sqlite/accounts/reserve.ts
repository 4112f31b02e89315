import { type Account, isOfChannel } from '../../Account.ts'
import type { Asset } from '../../Asset.ts'
import type { Books } from '../Books.ts'
import { expose } from '../exposure/unsettled.ts'
import { readAccount } from './read-account.ts'
import { writeAccount } from './write-account.ts'

/**
 * Reserves an amount of an account, in base units; below zero: releases it. The caller has seen that it is available, and
 * writes in the same step whose hold it is.
 */
export function reserve(books: Books, account: Account, asset: Asset, amount: bigint): void {
  if (amount === 0n) return
  const balance = readAccount(books, account, asset)
  writeAccount(books, account, asset, { ...balance, pending: balance.pending + amount })
  if (isOfChannel(account)) expose(books, asset, amount)
}
