import {
  createHmac,
  createPrivateKey,
  createPublicKey,
  createSecretKey,
  hkdfSync,
  type KeyObject,
  sign,
} from 'node:crypto'
import * as KeyRotation from './protocol/KeyRotation.ts'
import type { PublicKey } from './protocol/SignedReceipt.ts'

/** Keys derived from the configured secret, one per purpose, so that none can stand in for another. */
export type Keys = {
  /** HMAC-SHA-256 of new challenges. */
  challenge: Mac
  /** HMACs under which a challenge is ours: the current one, then those of previous secrets. */
  challenges: readonly Mac[]
  /** AES-256 key that seals stored answers. */
  answer: KeyObject
  /** AES-256 keys under which an answer may have been sealed: the current one first. */
  answers: readonly KeyObject[]
  receipt: {
    publicKey: PublicKey
    /** Keys of previous secrets: receipts signed by them stay valid. */
    previous: readonly PublicKey[]
    /** Each of them hands over to the current one: who has pinned it can follow. */
    rotations: readonly string[]
    /** Ed25519, base64url. */
    sign(text: string): string
  }
}

/** HMAC-SHA-256 of a text, base64url. */
export type Mac = (text: string) => string

/**
 * Derives every key (HKDF-SHA-256). The same secret gives the same keys after a restart. Keys of previous secrets check
 * and open; they never sign or seal anything new.
 */
export function deriveKeys(secret: Uint8Array, previous: readonly Uint8Array[] = []): Keys {
  const bind = (one: Uint8Array) => mac(derive(one, 'challenge'))
  const seal = (one: Uint8Array) => createSecretKey(derive(one, 'answer'))
  const challenge = bind(secret)
  const answer = seal(secret)
  const receiptKey = ed25519(derive(secret, 'receipt'))
  const publicKey = publicOf(receiptKey)
  const before = previous.map((one) => ed25519(derive(one, 'receipt')))
  const handOver = KeyRotation.signingInput(publicKey)
  return {
    challenge,
    challenges: [challenge, ...previous.map(bind)],
    answer,
    answers: [answer, ...previous.map(seal)],
    receipt: {
      publicKey,
      previous: before.map(publicOf),
      rotations: before.map((key) => `${handOver}.${signed(handOver, key)}`),
      sign: (text) => signed(text, receiptKey),
    },
  }
}

/** A key that was made ready once costs a fifth of one that is made for each text. */
function mac(key: Uint8Array): Mac {
  const ready = createSecretKey(key)
  return (text) => createHmac('sha256', ready).update(text).digest('base64url')
}

const signed = (text: string, key: KeyObject) => sign(null, Buffer.from(text), key).toString('base64url')

const derive = (secret: Uint8Array, purpose: string) =>
  new Uint8Array(hkdfSync('sha256', secret, '', `farthing/${purpose}/1`, 32))

function publicOf(key: KeyObject): PublicKey {
  const { x } = createPublicKey(key).export({ format: 'jwk' })
  return { kty: 'OKP', crv: 'Ed25519', x: String(x) }
}

/** A private key from its seed: the fixed PKCS#8 head of RFC 8410 and 32 bytes. */
function ed25519(seed: Uint8Array): KeyObject {
  const head = Buffer.from('302e020100300506032b657004220420', 'hex')
  return createPrivateKey({ key: Buffer.concat([head, seed]), format: 'der', type: 'pkcs8' })
}
