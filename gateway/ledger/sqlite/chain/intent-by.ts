import type { Hex } from 'viem'
import type { Ledger } from '../../Ledger.ts'
import type { Books } from '../Books.ts'
import { sql } from '../sql.ts'
import { needIntent } from './intents.ts'

const byHash = sql<[hash: string], { id: string }>`
  SELECT intent_id AS id FROM intent_attempts WHERE hash = ? LIMIT 1`

/** The intent that a transaction is an attempt of; null when it is none of ours. */
export function intentBy(books: Books, hash: Hex): Ledger.Intent | null {
  const found = books.get(byHash, hash.toLowerCase())
  return found === null ? null : needIntent(books, found.id)
}
