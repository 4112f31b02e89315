import type { Asset } from '../../Asset.ts'
import type { Books } from '../Books.ts'
import { sql } from '../sql.ts'
import { unsettledOf } from '../working-set/exposure.ts'

// Every one, once in the life of a counter: said as a range, since a test refuses statements that scan.
const ofChannels = sql<[asset: string], { owed: string; prepaid: string; reserved: string }>`
  SELECT owed, prepaid, reserved FROM channels WHERE rowid > 0 AND asset = ?`

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
  for (const { owed, prepaid, reserved } of books.each(ofChannels, asset))
    sum += BigInt(owed) - BigInt(prepaid) + BigInt(reserved)
  return sum
}
