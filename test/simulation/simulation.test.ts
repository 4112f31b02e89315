import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type GuardName, guardNames } from '../../scripts/simulate/guards.ts'
import { SimulatedChain } from '../../scripts/simulate/SimulatedChain.ts'
import { simulate } from '../../scripts/simulate/simulate.ts'

/** So many that the file takes about a minute and a half on two cores. `./run simulate` runs thousands, and longer ones. */
const seeds = Number(process.env.FARTHING_SEEDS ?? 200)
const hours = 0.25

let chain: SimulatedChain
beforeAll(async () => {
  chain = await SimulatedChain.create()
})
afterAll(() => chain.close())

describe('simulate', () => {
  test(`default: a payment buys exactly one delivered result, in ${seeds} worlds full of faults`, {
    timeout: 600_000,
  }, async () => {
    let [calls, lives, reorganisations] = [0, 0, 0]
    for (let seed = 1; seed <= seeds; seed += 1) {
      const result = await simulate(chain, { seed, hours })
      expect(result.violations, `./run simulate --seed ${seed} --hours ${hours} --verbose`).toEqual([])
      calls += result.calls
      lives += result.lives
      reorganisations += result.reorganisations
    }
    // A world in which nothing happens proves nothing.
    expect(calls).toBeGreaterThan(seeds * 5)
    expect(lives).toBeGreaterThan(seeds * 1.2)
    expect(reorganisations).toBeGreaterThan(seeds / 50)
  })

  test('behavior: a seed repeats exactly', async () => {
    const first = await simulate(chain, { seed: 5, hours })
    const second = await simulate(chain, { seed: 5, hours })
    expect(second.digest).toBe(first.digest)
    expect(second.events).toBe(first.events)
    expect((await simulate(chain, { seed: 6, hours })).digest).not.toBe(first.digest)
  })
})

describe('simulate without a guard', () => {
  /** Where to look first, and what must be seen to break. A change elsewhere may move it to one of the next seeds. */
  const expected: Record<GuardName, { seed: number; breaks: RegExp }> = {
    claim: { seed: 102, breaks: /the upstream ran \d+ times for|two different answers/ },
    'hold-order': { seed: 100, breaks: /the upstream ran \d+ times for/ },
    'intent-record': { seed: 104, breaks: /Reconciliation|is out\.|has a receipt/ },
    depth: { seed: 104, breaks: /Reconciliation|is out\.|never moved/ },
    resolver: { seed: 104, breaks: /has not ended/ },
  }

  test.each(guardNames)('behavior: notices that %s is gone', { timeout: 120_000 }, async (guard) => {
    const { seed: first, breaks } = expected[guard]
    const seen: string[] = []
    for (let seed = first; seed < first + 10 && !seen.some((text) => breaks.test(text)); seed += 1)
      seen.push(...(await simulate(chain, { seed, hours: 1, guard })).violations)
    expect(seen.find((text) => breaks.test(text))).toBeDefined()
  })
})
