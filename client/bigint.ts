/** `Math.max` and `Math.min` for amounts: those two do not take a bigint. */

/** The higher of two amounts. */
export function highest(a: bigint, b: bigint): bigint {
  if (a > b) return a
  return b
}

/** The lower of two amounts. */
export function lowest(a: bigint, b: bigint): bigint {
  if (a < b) return a
  return b
}
