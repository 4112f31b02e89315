import { createPrivateKey, createPublicKey, hkdfSync, type KeyObject, sign } from 'node:crypto'
import type { PublicKey } from './protocol/SignedReceipt.ts'

/** Keys derived from the one configured secret, one per purpose, so that none can stand in for another. */
export type Keys = {
  /** HMAC key of challenges. */
  challenge: Uint8Array
  /** AES-256 key that seals stored answers. */
  answer: Uint8Array
  receipt: { publicKey: PublicKey; sign(text: string): string }
}

/** Derives every key (HKDF-SHA-256). The same secret gives the same keys after a restart. */
export function deriveKeys(secret: Uint8Array): Keys {
  const derive = (purpose: string) =>
    new Uint8Array(hkdfSync('sha256', secret, '', `farthing/${purpose}/1`, 32))
  const receiptKey = ed25519(derive('receipt'))
  const { x } = createPublicKey(receiptKey).export({ format: 'jwk' })
  return {
    challenge: derive('challenge'),
    answer: derive('answer'),
    receipt: {
      publicKey: { kty: 'OKP', crv: 'Ed25519', x: String(x) },
      sign: (text) => sign(null, Buffer.from(text), receiptKey).toString('base64url'),
    },
  }
}

/** A private key from its seed: the fixed PKCS#8 head of RFC 8410 and 32 bytes. */
function ed25519(seed: Uint8Array): KeyObject {
  const head = Buffer.from('302e020100300506032b657004220420', 'hex')
  return createPrivateKey({ key: Buffer.concat([head, seed]), format: 'der', type: 'pkcs8' })
}
