import type { Asset } from '../../Asset.ts'
import type { Books } from '../Books.ts'
import { sql } from '../sql.ts'

const find = sql<[asset: string], { unsettled: string }>`SELECT unsettled FROM exposure WHERE asset = ?`
const write = sql<[asset: string, unsettled: string]>`
  INSERT INTO exposure (asset, unsettled) VALUES (?, ?)
  ON CONFLICT (asset) DO UPDATE SET unsettled = excluded.unsettled`
const ofChannels = sql<[asset: string], { posted: string }>`
  SELECT posted FROM accounts WHERE name > 'channel:' AND name < 'channel;' AND asset = ?`
const ofPrepaid = sql<[asset: string], { posted: string; pending: string }>`
  SELECT posted, pending FROM accounts WHERE name > 'prepaid:' AND name < 'prepaid;' AND asset = ?`

/** What is spent or reserved on all channels of an asset and not on chain: a counter, whatever the number of channels. */
export function unsettledInAll(books: Books, asset: Asset): bigint {
  return BigInt(books.get(find, asset)?.unsettled ?? sumOf(books, asset))
}

/**
 * Moves the counter. Called after the accounts were moved, in the same step: books that have no counter yet are summed
 * once, with the movement in them.
 */
export function expose(books: Books, asset: Asset, change: bigint): void {
  const row = books.get(find, asset)
  const unsettled = row === null ? sumOf(books, asset) : BigInt(row.unsettled) + change
  books.run(write, asset, String(unsettled))
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
