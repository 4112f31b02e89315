import { capOf, type Fees } from './fees.ts'

/**
 * Decides whether a transaction waits for its fee: it was signed long enough ago, and either it is the one that the chain
 * waits for, or its cap is below what a block takes now. Those behind it only wait for it. Pure; `now` in milliseconds.
 */
export function isStuck(
  intent: isStuck.Input,
  head: isStuck.Head,
  now: number,
  policy: isStuck.Policy,
): boolean {
  if (now - intent.signedAt < policy.replaceAfterMs || intent.nonce < head.count) return false
  return intent.nonce === head.count || (head.baseFee !== null && capOf(intent.fees) < head.baseFee)
}

export declare namespace isStuck {
  /** What its newest attempt offers, and when that was signed. */
  type Input = { nonce: number; signedAt: number; fees: Fees }
  /** How many transactions of the key are mined, and what the newest block took for gas (null: a chain without). */
  type Head = { count: number; baseFee: bigint | null }
  type Policy = { replaceAfterMs: number }
}
