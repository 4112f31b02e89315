import type { Address, Hex } from 'viem'
import * as z from 'zod/mini'
import { max } from './Amount.ts'

/** Fields that several messages share, each canonicalised once, where it enters. */

/** How hashes, signatures and integers are spelt. */
export const spelling = {
  bytes32: /^0x[0-9a-fA-F]{64}$/,
  signature: /^0x(?:[0-9a-fA-F]{2}){64,}$/,
  integer: /^(0|[1-9]\d{0,77})$/,
} as const

/** Most characters of a signature. */
export const maxSignatureLength = 8_194

/** 20-byte address in any case; comes out in lower case, so that `===` compares by value. */
export const address = z.pipe(
  z.string().check(z.regex(/^0x[0-9a-fA-F]{40}$/, 'is not a 20-byte 0x address')),
  z.transform((text: string) => text.toLowerCase() as Address),
)

/** 32 bytes as hex; comes out in lower case. */
export const bytes32 = z.pipe(
  z.string().check(z.regex(spelling.bytes32, 'is not 32 bytes of 0x hex')),
  z.transform((text: string) => text.toLowerCase() as Hex),
)

/** A signature: 65 bytes for an account, bounded bytes for a contract wallet (ERC-1271, ERC-6492). */
export const signature = z.pipe(
  z
    .string()
    .check(z.maxLength(maxSignatureLength), z.regex(spelling.signature, 'is not a signature in 0x hex')),
  z.transform((text: string) => text.toLowerCase() as Hex),
)

const integer = z.pipe(
  z.string().check(z.regex(spelling.integer, 'is not a decimal integer')),
  z.transform((text: string) => BigInt(text)),
)

/** Amount in base units as decimal digits, at most uint128. */
export const amount = z.pipe(integer, z.bigint().check(z.lte(max, 'is above 2^128 − 1')))

/** A uint256 as decimal digits (timestamps, nonces). */
export const uint256 = z.pipe(integer, z.bigint().check(z.lt(2n ** 256n, 'is above 2^256 − 1')))

/** First complaint of a failed parse as `path: message`, without the offending value. */
export function complaint(error: z.core.$ZodError): string {
  const issue = error.issues[0]
  if (issue === undefined) return 'is not valid'
  return issue.path.length === 0 ? issue.message : `${issue.path.map(String).join('.')}: ${issue.message}`
}
