import { capOf, type Fees } from './fees.ts'

/**
 * What a replacement offers: an eighth more than before, so that nodes take it, or what the market asks when that is more.
 * Never above `ceiling`; null when even an eighth more would be. Pure.
 */
export function raiseFees(before: Fees, market: Fees, ceiling: bigint): Fees | null {
  const least = raised(capOf(before))
  if (least > ceiling) return null
  const cap = smaller(larger(least, capOf(market)), ceiling)
  if (before.type === 'legacy') return { type: 'legacy', gasPrice: cap }
  const tip = larger(raised(before.maxPriorityFeePerGas), tipOf(market))
  return { type: 'eip1559', maxFeePerGas: cap, maxPriorityFeePerGas: smaller(tip, cap) }
}

const raised = (fee: bigint) => (fee * 9n + 7n) / 8n + 1n
const tipOf = (fees: Fees) => (fees.type === 'eip1559' ? fees.maxPriorityFeePerGas : 0n)
const larger = (a: bigint, b: bigint) => (a > b ? a : b)
const smaller = (a: bigint, b: bigint) => (a < b ? a : b)
