import type { Address } from 'viem'
import type { Ledger } from '../../Ledger.ts'
import type { Books } from '../Books.ts'
import { sql } from '../sql.ts'
import { type Row, toIntent } from './intents.ts'

const mined = sql<[chain: number, sender: string, nonce: number], Row>`
  SELECT * FROM intents
  WHERE chain_id = ? AND sender = lower(?) AND nonce >= ? AND state IN ('succeeded', 'reverted') ORDER BY nonce`

/** Intents from a key that were mined, from a nonce on. */
export function minedIntents(books: Books, chainId: number, from: Address, nonce: number): Ledger.Intent[] {
  return books.all(mined, chainId, from, nonce).map((row) => toIntent(books, row))
}
