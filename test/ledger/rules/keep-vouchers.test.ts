import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { keepVouchers } from '../../../gateway/ledger/rules/keep-vouchers.ts'

describe('keepVouchers', () => {
  test('default: keeps the best that is spent and all above it', () => {
    expect(keepVouchers([1n, 5n, 9n, 12n], 9n)).toEqual([9n, 12n])
    expect(keepVouchers([5n, 9n], 1n)).toEqual([5n, 9n])
    expect(keepVouchers([], 1n)).toEqual([])
  })

  test('behavior: thins where they are densest', () => {
    expect(keepVouchers([10n, 20n, 21n, 30n, 40n], 10n, 4)).toEqual([10n, 20n, 30n, 40n])
  })

  test('behavior: any number comes down to the bound, with the settleable one and the highest', () => {
    const rising = fc
      .uniqueArray(fc.bigInt({ min: 1n, max: 10_000n }), { minLength: 1, maxLength: 200 })
      .map((values) => values.sort((a, b) => (a < b ? -1 : 1)))
    fc.assert(
      fc.property(
        rising,
        fc.bigInt({ min: 0n, max: 10_000n }),
        fc.integer({ min: 2, max: 64 }),
        (all, spent, max) => {
          const kept = keepVouchers(all, spent, max)
          expect(kept.length).toBeLessThanOrEqual(max)
          expect(kept.at(-1)).toBe(all.at(-1))
          const best = all.findLast((cumulative) => cumulative <= spent)
          expect(kept.at(0)).toBe(best ?? all.at(0))
        },
      ),
    )
  })
})
