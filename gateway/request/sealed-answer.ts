import { createCipheriv, createDecipheriv, type KeyObject, randomUUID } from 'node:crypto'
import type { StoredAnswer } from '../ledger/Payment.ts'
import type { Fields } from '../upstream/Fields.ts'

/** An answer that fits in memory. */
export type Answer = { status: number; headers: Fields; body: Uint8Array }

/**
 * Seals an answer for the ledger (AES-256-GCM), bound to its payment: the books hold bytes that only this gateway can
 * read, and that open for this payment alone.
 */
export function seal(answer: Answer, paymentId: string, key: KeyObject): StoredAnswer {
  const { status, headers, body } = answer
  const head = JSON.stringify({ status, headers })
  const size = Buffer.byteLength(head)
  const plain = Buffer.allocUnsafe(4 + size + body.byteLength)
  plain.writeUInt32BE(size)
  plain.write(head, 4)
  plain.set(body, 4 + size)
  const nonce = freshNonce()
  const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(Buffer.from(paymentId))
  const text = cipher.update(plain)
  cipher.final()
  return { sealed: Buffer.concat([nonce, cipher.getAuthTag(), text]) }
}

/** The 96 bits of a random UUID that say neither version nor variant (RFC 9562, section 5.4): Node draws many at once. */
function freshNonce(): Buffer {
  const uuid = randomUUID()
  return Buffer.from(uuid.slice(0, 8) + uuid.slice(9, 13) + uuid.slice(24), 'hex')
}

/**
 * Opens what `seal` made with one of these keys: the current one, or that of a previous secret.
 * @throws {Error} another key, another payment, or altered.
 */
export function unseal(stored: StoredAnswer, paymentId: string, keys: readonly KeyObject[]): Answer {
  for (const [index, key] of keys.entries()) {
    try {
      return open(stored, paymentId, key)
    } catch (error) {
      if (index === keys.length - 1) throw error
    }
  }
  throw new Error('There is no key to open the answer with.')
}

function open({ sealed }: StoredAnswer, paymentId: string, key: KeyObject): Answer {
  const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(0, 12))
    .setAAD(Buffer.from(paymentId))
    .setAuthTag(sealed.subarray(12, 28))
  const plain = Buffer.concat([decipher.update(sealed.subarray(28)), decipher.final()])
  const length = plain.readUInt32BE(0)
  // Answers sealed by earlier versions have their fields in pairs.
  const head: { status: number; headers: (string | string[])[] } = JSON.parse(
    plain.toString('utf8', 4, 4 + length),
  )
  return { status: head.status, headers: head.headers.flat(), body: plain.subarray(4 + length) }
}
