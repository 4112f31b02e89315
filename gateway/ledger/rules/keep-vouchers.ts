/** How many vouchers are kept for one channel. */
export const maxVouchers = 64

/**
 * Which of a channel's vouchers are still worth keeping: the highest one that is spent, and those above it. Beyond
 * `max` the row is thinned where it is densest, never the settleable one nor the highest: a settlement may then be for
 * a little less than was spent, or a final one for a little more (credit of the payer's wallet). Nothing is lost.
 *
 * @param cumulatives rising
 * @returns rising
 */
export function keepVouchers(cumulatives: bigint[], spent: bigint, max = maxVouchers): bigint[] {
  const settleable = cumulatives.findLastIndex((cumulative) => cumulative <= spent)
  const kept = cumulatives.slice(Math.max(settleable, 0))
  while (kept.length > Math.max(max, 2)) kept.splice(densest(kept), 1)
  return kept
}

/** Index, neither first nor last, whose neighbours are closest to each other. */
function densest(rising: bigint[]): number {
  let found = 1
  let smallest: bigint | null = null
  for (let index = 1; index < rising.length - 1; index++) {
    const gap = (rising[index + 1] ?? 0n) - (rising[index - 1] ?? 0n)
    if (smallest !== null && gap >= smallest) continue
    smallest = gap
    found = index
  }
  return found
}
