import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { capOf, type Fees } from '../../gateway/chain/fees.ts'
import { isStuck } from '../../gateway/chain/is-stuck.ts'
import { nonceGaps } from '../../gateway/chain/nonce-gaps.ts'
import { raiseFees } from '../../gateway/chain/raise-fees.ts'

const offer = (cap: bigint, tip = 1n): Fees => ({
  type: 'eip1559',
  maxFeePerGas: cap,
  maxPriorityFeePerGas: tip,
})

describe('isStuck', () => {
  const policy = { replaceAfterMs: 1_000 }
  const intent = { nonce: 5, signedAt: 10_000, fees: offer(100n) }

  test('default: the one that the chain waits for, once its time is over', () => {
    expect(isStuck(intent, { count: 5, baseFee: 50n }, 11_000, policy)).toBe(true)
    expect(isStuck(intent, { count: 5, baseFee: 50n }, 10_999, policy)).toBe(false)
  })

  test('behavior: one that waits for another is stuck only when no block would take it', () => {
    expect(isStuck(intent, { count: 4, baseFee: 100n }, 20_000, policy)).toBe(false)
    expect(isStuck(intent, { count: 4, baseFee: 101n }, 20_000, policy)).toBe(true)
    expect(isStuck(intent, { count: 4, baseFee: null }, 20_000, policy)).toBe(false)
  })

  test('behavior: what is mined, by whichever attempt, is never stuck', () => {
    expect(isStuck(intent, { count: 6, baseFee: 1_000n }, 99_000, policy)).toBe(false)
  })
})

describe('raiseFees', () => {
  test('default: the market’s price, where it is more than an eighth above', () => {
    expect(raiseFees(offer(100n, 8n), offer(400n, 20n), 1_000n)).toEqual(offer(400n, 20n))
    expect(raiseFees({ type: 'legacy', gasPrice: 80n }, offer(1n), 1_000n)).toEqual({
      type: 'legacy',
      gasPrice: 91n,
    })
  })

  test('behavior: the ceiling binds, and below what nodes take as a replacement there is none', () => {
    expect(raiseFees(offer(100n), offer(400n), 200n)).toMatchObject({ maxFeePerGas: 200n })
    expect(raiseFees(offer(100n), offer(400n), 113n)).toBeNull()
  })

  test('behavior: always accepted as a replacement, never above the ceiling, never a tip above its cap', () => {
    const fee = fc.bigInt({ min: 0n, max: 10n ** 15n })
    fc.assert(
      fc.property(fee, fee, fee, fee, fee, (cap, tip, marketCap, marketTip, ceiling) => {
        const before = offer(cap + tip, tip)
        const after = raiseFees(before, offer(marketCap, marketTip), ceiling)
        if (after === null) return
        expect(after.type).toBe('eip1559')
        if (after.type !== 'eip1559' || before.type !== 'eip1559') return
        expect(capOf(after)).toBeLessThanOrEqual(ceiling)
        expect(after.maxFeePerGas * 10n).toBeGreaterThanOrEqual(before.maxFeePerGas * 11n)
        expect(after.maxPriorityFeePerGas * 10n).toBeGreaterThanOrEqual(before.maxPriorityFeePerGas * 11n)
        expect(after.maxPriorityFeePerGas).toBeLessThanOrEqual(after.maxFeePerGas)
      }),
    )
  })
})

describe('nonceGaps', () => {
  test('default: what nobody takes below an open intent', () => {
    expect(nonceGaps(3, [5, 8])).toEqual([3, 4, 6, 7])
    expect(nonceGaps(3, [3, 4])).toEqual([])
    expect(nonceGaps(9, [3, 4])).toEqual([])
    expect(nonceGaps(0, [])).toEqual([])
  })

  test('behavior: no more than a few at once, however far behind a node is', () => {
    expect(nonceGaps(0, [1_000_000])).toHaveLength(16)
  })
})
