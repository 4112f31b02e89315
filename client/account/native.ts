import { createRequire } from 'node:module'
import { bytesToHex } from '@noble/hashes/utils.js'
import type { SignDigest } from './KeyAccount.ts'

/**
 * Signs with libsecp256k1 as package `secp256k1` brings it, built (RFC 6979, low `s`: the same signatures as viem's);
 * undefined where there is no build for this machine. The package's main module would quietly take `elliptic` then, so
 * `bindings.js` is asked, which throws.
 */
export function native(key: Uint8Array): SignDigest | undefined {
  try {
    const binding: Binding = createRequire(import.meta.url)('secp256k1/bindings.js')
    return (digest) => {
      const { signature, recid } = binding.ecdsaSign(digest, key)
      return `0x${bytesToHex(signature)}${recid === 0 ? '1b' : '1c'}`
    }
  } catch {
    return undefined
  }
}

type Binding = {
  ecdsaSign(message: Uint8Array, key: Uint8Array): { signature: Uint8Array; recid: number }
}
