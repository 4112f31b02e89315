import { keccak_256 } from '@noble/hashes/sha3.js'
import { utf8ToBytes } from '@noble/hashes/utils.js'
import type { Address, Hex } from 'viem'

/**
 * EIP-712 on bytes: a struct is written into a buffer that is used again, word by word, and hashed twice. What does not
 * change from one message to the next is hashed once. Nothing of a type is encoded when a message is.
 */

/** Hash of a struct's type, as in `Voucher(bytes32 channelId,uint128 cumulativeAmount)`. */
export function typeHash(type: string): Uint8Array {
  return keccak_256(utf8ToBytes(type))
}

/** Separator of a domain that has all four members. */
export function domainSeparator(domain: Domain): Uint8Array {
  const words = struct(domainType, 4)
  words.set(keccak_256(utf8ToBytes(domain.name)), 32)
  words.set(keccak_256(utf8ToBytes(domain.version)), 64)
  putUint(words, 96, BigInt(domain.chainId), 256)
  putAddress(words, 128, domain.verifyingContract)
  return keccak_256(words)
}

/** Buffer of a struct: its type hash, then room for the words of its fields. */
export function struct(type: Uint8Array, fields: number): Uint8Array {
  const words = new Uint8Array(32 * (1 + fields))
  words.set(type)
  return words
}

/** keccak256 of bytes. */
export type Keccak = (bytes: Uint8Array) => Uint8Array

/** Hashes what is signed under a domain: `keccak256(0x1901 ‖ separator ‖ keccak256(struct))`. `keccak` may be a faster one. */
export function digester(
  separator: Uint8Array,
  keccak: Keccak = keccak_256,
): (words: Uint8Array) => Uint8Array {
  const message = new Uint8Array(66)
  message.set([0x19, 0x01])
  message.set(separator, 2)
  return (words) => {
    message.set(keccak(words), 34)
    return keccak(message)
  }
}

/** Writes 32 bytes. @throws {MalformedWordError} */
export function putBytes32(words: Uint8Array, at: number, value: Hex): void {
  if (value.length !== 66 || !putHex(words, at, value, 2)) throw new MalformedWordError('bytes32', value)
}

/** Writes an address. @throws {MalformedWordError} */
export function putAddress(words: Uint8Array, at: number, value: Address): void {
  words.fill(0, at, at + 12)
  if (value.length !== 42 || !putHex(words, at + 12, value, 2)) throw new MalformedWordError('address', value)
}

/** Writes an unsigned integer of so many bits. @throws {MalformedWordError} */
export function putUint(words: Uint8Array, at: number, value: bigint, bits: 128 | 256): void {
  if (value < 0n || value >> BigInt(bits) !== 0n) throw new MalformedWordError(`uint${bits}`, String(value))
  let rest = value
  for (let end = at + 32; end > at; end -= 4) {
    const low = Number(rest & 0xffffffffn)
    words[end - 1] = low
    words[end - 2] = low >>> 8
    words[end - 3] = low >>> 16
    words[end - 4] = low >>> 24
    rest = rest === 0n ? rest : rest >> 32n
  }
}

/** Writes the digits of `hex` from `start` on as bytes. False when one of them is no hexadecimal digit. */
export function putHex(into: Uint8Array, at: number, hex: string, start: number): boolean {
  let bad = 0
  for (let index = start, to = at; index < hex.length; index += 2, to++) {
    const high = digits[hex.charCodeAt(index)] ?? -1
    const low = digits[hex.charCodeAt(index + 1)] ?? -1
    bad |= high | low
    into[to] = (high << 4) | low
  }
  return bad >= 0
}

export type Domain = { name: string; version: string; chainId: number; verifyingContract: Address }

/** A value does not fit the Solidity type of its field. */
export class MalformedWordError extends Error {
  override readonly name = 'MalformedWordError'
  constructor(type: string, value: string) {
    super(`"${value}" is no ${type}. Fix: check it where it comes in; what is signed cannot hold it.`)
  }
}

const domainType = typeHash(
  'EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)',
)

/** Value of a hexadecimal digit by its character code; -1 for every other character. */
const digits = new Int8Array(128).fill(-1)
for (const [value, digit] of [...'0123456789abcdef'].entries()) {
  digits[digit.charCodeAt(0)] = value
  digits[digit.toUpperCase().charCodeAt(0)] = value
}
