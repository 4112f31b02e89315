import type { Hex } from 'viem'
import { IntentError } from '../../errors.ts'
import type { Ledger } from '../../Ledger.ts'
import type { Books } from '../Books.ts'
import { sql } from '../sql.ts'

const insert = sql<[intent: string, raw: string, hash: string, at: number, same: string]>`
  INSERT INTO intent_attempts (intent_id, position, raw, hash, created_at)
  SELECT ?, count(*), ?, lower(?), ? FROM intent_attempts WHERE intent_id = ?`
const every = sql<[intent: string], { raw: Hex; hash: Hex; at: number }>`
  SELECT raw, hash, created_at AS at FROM intent_attempts WHERE intent_id = ? ORDER BY position`
const face = sql<[raw: string, hash: string, intent: string]>`
  UPDATE intents SET raw = ?, hash = ? WHERE id = ?`

/** Writes down one more signed transaction for an intent. */
export function writeAttempt(books: Books, intentId: string, attempt: Ledger.Attempt): void {
  books.run(insert, intentId, attempt.raw, attempt.hash, attempt.at, intentId)
  showAttempt(books, intentId, attempt.hash)
}

/** Makes one attempt of an intent the one to look at: the newest, or the one that was mined. */
export function showAttempt(books: Books, intentId: string, hash: Hex): void {
  const found = attempts(books, intentId).find((attempt) => attempt.hash === hash.toLowerCase())
  if (found === undefined)
    throw new IntentError(intentId, 'was never signed as the transaction that is said of it')
  books.run(face, found.raw, found.hash, intentId)
}

/** Everything that was signed for an intent, oldest first. */
export function attempts(books: Books, intentId: string): Ledger.Attempt[] {
  return books.all(every, intentId)
}
