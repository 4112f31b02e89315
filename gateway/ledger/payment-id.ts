import { randomBytes } from 'node:crypto'

/**
 * A new payment's id: when it was made, so that payments made together lie together on disk, and 128 random bits, so that
 * nobody guesses one.
 */
export function paymentId(now: number): string {
  return `pay_${now.toString(36).padStart(9, '0')}${randomBytes(16).toString('base64url')}`
}

/** Could it be one? Ids of earlier versions have no time. */
export function isPaymentId(text: string): boolean {
  return /^pay_(?:[0-9a-z]{9})?[A-Za-z0-9_-]{22}$/.test(text)
}
