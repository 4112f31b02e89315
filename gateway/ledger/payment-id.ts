import { randomUUID } from 'node:crypto'

/**
 * A new payment's id: when it was made, so that payments made together lie together on disk, and a random UUID (122 bits),
 * so that nobody guesses one. Node draws many of them at once: random bytes of its own would cost a call ten times as much.
 */
export function paymentId(now: number): string {
  return `${paymentIdsFrom(now)}${Buffer.from(randomUUID().replaceAll('-', ''), 'hex').toString('base64url')}`
}

/** What the ids of payments made at a time (ms) begin with: those made earlier come before it. */
export const paymentIdsFrom = (time: number) => `pay_${time.toString(36).padStart(9, '0')}`

/** The key of a payment that has no other name: it is a call of its own, and nothing else has that key. */
export const onceKey = (id: string) => `once:${id}`

/** Could it be one? Ids of earlier versions have no time. */
export function isPaymentId(text: string): boolean {
  return /^pay_(?:[0-9a-z]{9})?[A-Za-z0-9_-]{22}$/.test(text)
}
