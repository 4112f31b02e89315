import type { Books } from '../Books.ts'
import { sql } from '../sql.ts'

/** How many expired rows one new row clears away at most: the table shrinks, and no request pays for a long sweep. */
const sweep = 16

const insert = sql<[nonce: string, expiresAt: number]>`INSERT INTO nonces (nonce, expires_at) VALUES (?, ?)`
const use = sql<[nonce: string, now: number]>`DELETE FROM nonces WHERE nonce = ? AND expires_at > ?`
const expire = sql<[now: number, limit: number]>`
  DELETE FROM nonces WHERE nonce IN (SELECT nonce FROM nonces WHERE expires_at <= ? LIMIT ?)`

/** Remembers a nonce until it expires. */
export function createNonce(books: Books, nonce: string, expiresAt: number): void {
  books.run(expire, books.clock.now(), sweep)
  books.run(insert, nonce, expiresAt)
}

/** Uses a nonce up: true once. */
export function consumeNonce(books: Books, nonce: string, now: number): boolean {
  return books.run(use, nonce, now) === 1
}
