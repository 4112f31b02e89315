import { keccak_256 } from '@noble/hashes/sha3.js'
import { bytesToHex } from '@noble/hashes/utils.js'
import type { Address, Hex } from 'viem'
import { type Keccak, putHex } from '../../protocol/Eip712.ts'
import type { Curve } from './Curve.ts'

/** Signatures of accounts, recovered here without asking anybody. */
export type Signatures = {
  /**
   * Address (lower case) whose key signed a digest, or null. Only the one canonical form counts: 65 bytes `r ‖ s ‖ v`,
   * `v` 27 or 28, low `s` (draft-evm-session-00, "Signature Malleability"). The compact 64-byte form is refused.
   */
  recover(digest: Uint8Array, signature: Hex): Address | null
  /** True when the account `signer` signed the digest in canonical form. */
  signedBy(signer: Address, digest: Uint8Array, signature: Hex): boolean
}

/** Checks signatures on a curve. What form is allowed is decided here, so that every curve refuses the same. */
export function createSignatures(curve: Curve, keccak: Keccak = keccak_256): Signatures {
  const bytes = new Uint8Array(65)
  const compact = bytes.subarray(0, 64)

  function recover(digest: Uint8Array, signature: Hex): Address | null {
    if (signature.length !== 132 || digest.length !== 32) return null
    if (!putHex(bytes, 0, signature, 2)) return null
    const v = bytes[64]
    if ((v !== 27 && v !== 28) || isHigh(compact)) return null
    const key = curve.recover(digest, compact, v === 27 ? 0 : 1)
    return key === null ? null : `0x${bytesToHex(keccak(key.subarray(1)).subarray(12))}`
  }

  return {
    recover,
    signedBy: (signer, digest, signature) => recover(digest, signature) === signer.toLowerCase(),
  }
}

/** True when `s` of `r ‖ s` is above half the order: the twin of a signature whose `s` is low. */
function isHigh(compact: Uint8Array): boolean {
  for (let index = 0; index < 32; index++) {
    const difference = (compact[32 + index] ?? 0) - (halfOrder[index] ?? 0)
    if (difference !== 0) return difference > 0
  }
  return false
}

const halfOrder = new Uint8Array(32)
putHex(halfOrder, 0, '7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0', 0)
