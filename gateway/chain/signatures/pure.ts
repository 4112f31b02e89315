import { secp256k1 } from '@noble/curves/secp256k1.js'
import type { Curve } from './Curve.ts'

/** secp256k1 in JavaScript, where there is no build of libsecp256k1: the same answers, some twenty times slower. */
export function pure(reason: string): Curve {
  return {
    name: 'pure',
    reason,
    recover(digest, compact, parity) {
      try {
        const signature = secp256k1.Signature.fromBytes(compact, 'compact').addRecoveryBit(parity)
        return signature.recoverPublicKey(digest).toBytes(false)
      } catch {
        return null
      }
    },
  }
}
