import { hash, randomBytes } from 'node:crypto'

/** A session's token is known to its holder alone; the books keep its hash. */

/** A new token: 256 random bits. */
export function newToken(): string {
  return randomBytes(32).toString('base64url')
}

/** What the books keep of a token. */
export function hashToken(token: string): string {
  return hash('sha256', token)
}
