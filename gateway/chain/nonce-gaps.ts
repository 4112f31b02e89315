/** Most nonces that are repaired at once. */
const most = 16

/**
 * Nonces that nobody takes and that somebody waits for: not below `next`, the chain's own pending count, and below an open
 * intent. A transaction above a gap is never mined. Lowest first. Pure.
 */
export function nonceGaps(next: number, open: readonly number[]): number[] {
  const taken = new Set(open)
  const highest = Math.max(-1, ...open)
  const gaps: number[] = []
  for (let nonce = next; nonce < highest && gaps.length < most; nonce += 1)
    if (!taken.has(nonce)) gaps.push(nonce)
  return gaps
}
