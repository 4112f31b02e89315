import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { SimulatedChain } from '../../scripts/simulate/SimulatedChain.ts'
import { simulate } from '../../scripts/simulate/simulate.ts'

/** So many that it takes about a minute on a free machine. `./run simulate` runs thousands, and longer ones. */
const seeds = 100
const hours = 0.25

let chain: SimulatedChain
beforeAll(async () => {
  chain = await SimulatedChain.create()
})
afterAll(() => chain.close())

describe('simulate', () => {
  test(`default: a payment buys exactly one delivered result, in ${seeds} worlds full of faults`, {
    timeout: 1_200_000,
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
