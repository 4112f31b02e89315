import { bytesToHex, type Hex } from 'viem'

/** 32 random bytes, as salts and nonces are. */
export function random32(): Hex {
  return bytesToHex(crypto.getRandomValues(new Uint8Array(32)))
}
