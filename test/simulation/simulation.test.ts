import { availableParallelism } from 'node:os'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { runInProcesses } from '../../scripts/simulate/run-in-processes.ts'
import { SimulatedChain } from '../../scripts/simulate/SimulatedChain.ts'
import { simulate } from '../../scripts/simulate/simulate.ts'

/** As many as two free cores run in about a minute and a half. `./run simulate` runs thousands, and longer ones. */
const seeds = 250
const hours = 0.25

describe('simulate', () => {
  // A busy machine takes several times as long.
  test(`default: a payment buys exactly one delivered result, in ${seeds} worlds full of faults`, {
    timeout: 1_200_000,
  }, async () => {
    let [run, calls, lives, reorganisations] = [0, 0, 0, 0]
    const broken: Record<string, readonly string[]> = {}
    await runInProcesses({
      seeds: Array.from({ length: seeds }, (_, index) => index + 1),
      jobs: availableParallelism(),
      plan: { hours, guard: null, override: {} },
      done: (report) => {
        run += 1
        calls += report.calls
        lives += report.lives
        reorganisations += report.reorganisations
        const holds = report.violations.length === 0
        if (!holds)
          broken[`./run simulate --seed ${report.seed} --hours ${hours} --verbose`] = report.violations
        return holds
      },
    })
    expect(broken).toEqual({})
    expect(run).toBe(seeds)
    // A world in which nothing happens proves nothing.
    expect(calls).toBeGreaterThan(seeds * 5)
    expect(lives).toBeGreaterThan(seeds * 1.2)
    expect(reorganisations).toBeGreaterThan(seeds / 50)
  })

  describe('a seed', () => {
    let chain: SimulatedChain
    beforeAll(async () => {
      chain = await SimulatedChain.create()
    })
    afterAll(() => chain.close())

    test('behavior: repeats exactly', async () => {
      const first = await simulate(chain, { seed: 5, hours })
      const second = await simulate(chain, { seed: 5, hours })
      expect(second.digest).toBe(first.digest)
      expect(second.events).toBe(first.events)
      expect((await simulate(chain, { seed: 6, hours })).digest).not.toBe(first.digest)
    })
  })
})
