import { keccak_256 } from '@noble/hashes/sha3.js'
import secp256k1 from 'secp256k1'
import { type Address, bytesToHex, type Hex, keccak256, toBytes } from 'viem'
import { type PrivateKeyAccount, privateKeyToAccount } from 'viem/accounts'

/** A key of a wallet that only ever exists on a chain of this machine: the hash of a word. */
export type Key = { account: PrivateKeyAccount; address: Address; sign(digest: Uint8Array): Uint8Array }

/** The same word has the same key. */
export function key(word: string): Key {
  const privateKey = keccak_256(toBytes(`farthing bench ${word}`))
  const account = privateKeyToAccount(bytesToHex(privateKey))
  return {
    account,
    address: account.address.toLowerCase() as Address,
    sign(digest) {
      const { signature, recid } = secp256k1.ecdsaSign(digest, privateKey)
      const whole = new Uint8Array(65)
      whole.set(signature)
      whole[64] = 27 + recid
      return whole
    },
  }
}

/** 32 bytes that follow from a word. */
export const hashOf = (word: string): Hex => keccak256(toBytes(`farthing bench ${word}`))
