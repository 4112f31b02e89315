import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { bisect } from '../../gateway/settlement/bisect.ts'

const numbers = (count: number) => Array.from({ length: count }, (_, index) => index)

/** Counts the tries; a part fails when any of these is in it. */
function failingWith(...bad: number[]) {
  const tries = { count: 0 }
  const refusal = async (part: readonly number[]) => {
    tries.count += 1
    const found = part.find((item) => bad.includes(item))
    return found === undefined ? null : `because-of-${found}`
  }
  return { tries, refusal }
}

describe('bisect', () => {
  test('default: one bad one among fifty is found in a dozen tries, and the others stay together', async () => {
    const { tries, refusal } = failingWith(17)
    const found = await bisect(numbers(50), refusal)
    expect(found.bad).toEqual([{ item: 17, reason: 'because-of-17' }])
    expect(found.good).toEqual([numbers(50).filter((item) => item !== 17)])
    expect(tries.count).toBeLessThanOrEqual(14)
  })

  test('behavior: a group that is only too large comes back in parts, and nobody is to blame', async () => {
    const found = await bisect(numbers(10), async (part) => (part.length > 4 ? 'too-large' : null))
    expect(found.bad).toEqual([])
    expect(found.good.flat()).toEqual(numbers(10))
    expect(Math.max(...found.good.map((part) => part.length))).toBeLessThanOrEqual(4)
  })

  test('behavior: what passes alone and not together with the rest stays in its parts', async () => {
    const found = await bisect(numbers(8), async (part) =>
      part.includes(0) ? 'bad' : part.length > 4 ? 'too-large' : null,
    )
    expect(found.bad.map(({ item }) => item)).toEqual([0])
    expect(found.good.length).toBeGreaterThan(1)
    expect(found.good.flat().sort()).toEqual([1, 2, 3, 4, 5, 6, 7])
  })

  test('behavior: whoever is bad, each is found, each other passes, and no part is the whole', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 2, max: 60 }), fc.array(fc.nat(59)), async (count, wanted) => {
        const bad = [...new Set(wanted.filter((item) => item < count))].sort((a, b) => a - b)
        const { refusal } = failingWith(...bad)
        const found = await bisect(numbers(count), refusal)
        expect(found.bad.map(({ item }) => item)).toEqual(bad)
        expect(found.good.flat()).toEqual(numbers(count).filter((item) => !bad.includes(item)))
        for (const part of found.good) expect(part.length).toBeLessThan(count)
      }),
    )
  })
})
