import type { Asset } from '../../Asset.ts'
import type { Books } from '../Books.ts'
import { sql } from '../sql.ts'
import { unsettledOf } from '../working-set/exposure.ts'

const ofChannels = sql<[asset: string], { posted: string }>`
  SELECT posted FROM accounts WHERE name > 'channel:' AND name < 'channel;' AND asset = ?`
const ofPrepaid = sql<[asset: string], { posted: string; pending: string }>`
  SELECT posted, pending FROM accounts WHERE name > 'prepaid:' AND name < 'prepaid;' AND asset = ?`

/** What is spent or reserved on all channels of an asset and not on chain: a counter, whatever the number of channels. */
export function unsettledInAll(books: Books, asset: Asset): bigint {
  return unsettledOf(books, asset) ?? sumOf(books, asset)
}

/**
 * Moves the counter. Called after the accounts were moved, in the same step: books that have no counter yet are summed
 * once, with the movement in them.
 */
export function expose(books: Books, asset: Asset, change: bigint): void {
  const known = unsettledOf(books, asset)
  books.rows.unsettled.set(asset, known === null ? sumOf(books, asset) : known + change)
}

/** The same from the accounts: value accepted and not on chain, less what of it is neither spent nor reserved. */
export function sumOf(books: Books, asset: Asset): bigint {
  let sum = 0n
  for (const { posted } of books.all(ofChannels, asset)) sum -= BigInt(posted)
  for (const { posted, pending } of books.all(ofPrepaid, asset)) sum -= BigInt(posted) - BigInt(pending)
  return sum
}

/** Between a channel's own accounts nothing is spent and nothing settled. */
export function isOfChannel(account: string): boolean {
  return account.startsWith('channel:') || account.startsWith('prepaid:')
}
