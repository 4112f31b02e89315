import { AmountError } from './errors.ts'

/** The largest amount that a token can hold. */
const max = 2n ** 256n - 1n

/** Refuses what is no amount in base units. */
export function check(amount: bigint): bigint {
  if (amount < 0n || amount > max) throw new AmountError(amount, 'is not between 0 and 2^256 - 1')
  return amount
}

/** The smaller of two. */
export const min = (a: bigint, b: bigint): bigint => (a < b ? a : b)
/** The larger of two. */
export const greater = (a: bigint, b: bigint): bigint => (a > b ? a : b)
