import type { Address } from 'viem'
import type { Ledger } from '../../Ledger.ts'
import type { Books } from '../Books.ts'
import { sql } from '../sql.ts'

/** How many expired rows one new row clears away at most. */
const sweep = 16

type Row = { token_hash: string; wallet: Address; chain_id: number; created_at: number; expires_at: number }

const insert = sql<[hash: string, wallet: string, chain: number, createdAt: number, expiresAt: number]>`
  INSERT INTO sessions (token_hash, wallet, chain_id, created_at, expires_at) VALUES (?, lower(?), ?, ?, ?)`
const find = sql<[hash: string, now: number], Row>`
  SELECT * FROM sessions WHERE token_hash = ? AND expires_at > ?`
const end = sql<[hash: string]>`DELETE FROM sessions WHERE token_hash = ?`
const expire = sql<[now: number, limit: number]>`
  DELETE FROM sessions WHERE token_hash IN (SELECT token_hash FROM sessions WHERE expires_at <= ? LIMIT ?)`

/** Keeps a session under the hash of its token. */
export function createSession(books: Books, session: Ledger.Session): void {
  books.run(expire, session.createdAt, sweep)
  const { tokenHash, wallet, chainId, createdAt, expiresAt } = session
  books.run(insert, tokenHash, wallet, chainId, createdAt, expiresAt)
}

/** A session that has not expired. */
export function findSession(books: Books, tokenHash: string, now: number): Ledger.Session | null {
  const row = books.get(find, tokenHash, now)
  if (row === null) return null
  return {
    tokenHash: row.token_hash,
    wallet: row.wallet,
    chainId: row.chain_id,
    createdAt: row.created_at,
    expiresAt: row.expires_at,
  }
}

/** Ends a session. */
export function endSession(books: Books, tokenHash: string): void {
  books.run(end, tokenHash)
}
