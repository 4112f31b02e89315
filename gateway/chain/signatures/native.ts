import { createRequire } from 'node:module'
import type { Curve } from './Curve.ts'

/**
 * libsecp256k1 as package `secp256k1` brings it, built. Its main module would quietly take `elliptic` where there is no
 * build for this machine; `bindings.js` throws instead.
 * @throws when there is no build.
 */
export function native(): Curve {
  const binding: Binding = createRequire(import.meta.url)('secp256k1/bindings.js')
  const key = new Uint8Array(65)
  return {
    name: 'native',
    reason: 'libsecp256k1 has a build for this machine',
    recover(digest, compact, parity) {
      try {
        return binding.ecdsaRecover(compact, parity, digest, false, key)
      } catch {
        return null
      }
    },
  }
}

type Binding = {
  ecdsaRecover(
    signature: Uint8Array,
    recovery: number,
    message: Uint8Array,
    compressed: boolean,
    output: Uint8Array,
  ): Uint8Array
}
