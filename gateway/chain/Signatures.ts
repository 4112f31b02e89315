import { secp256k1 } from '@noble/curves/secp256k1.js'
import { bytesToHex, type Hex, hexToBytes, keccak256 } from 'viem'

/** Signatures of accounts, recovered here without asking anybody. */

const halfOrder = 0x7fffffffffffffffffffffffffffffff5d576e7357a4501ddfe92f46681b20a0n

/**
 * Address (lower case) whose key signed a digest, or null. Only the one canonical form counts: 65 bytes `r ‖ s ‖ v`,
 * `v` 27 or 28, low `s` (draft-evm-session-00, "Signature Malleability"). The compact 64-byte form is refused.
 */
export function recover(digest: Hex, signature: Hex): Hex | null {
  if (signature.length !== 132) return null
  const v = Number.parseInt(signature.slice(130), 16)
  if (v !== 27 && v !== 28) return null
  if (BigInt(`0x${signature.slice(66, 130)}`) > halfOrder) return null
  const recovered = hexToBytes(`0x0${v - 27}${signature.slice(2, 130)}`)
  try {
    const key = secp256k1.recoverPublicKey(recovered, hexToBytes(digest), { prehash: false })
    return address(key)
  } catch {
    return null
  }
}

/** True when the account `signer` signed the digest in canonical form. */
export function signedBy(signer: Hex, digest: Hex, signature: Hex): boolean {
  return recover(digest, signature) === signer.toLowerCase()
}

function address(compressed: Uint8Array): Hex {
  const key = secp256k1.Point.fromBytes(compressed).toBytes(false)
  return `0x${keccak256(bytesToHex(key.subarray(1))).slice(26)}`
}
