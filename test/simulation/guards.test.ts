import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type GuardName, guardNames, without } from '../../scripts/simulate/guards.ts'
import { SimulatedChain } from '../../scripts/simulate/SimulatedChain.ts'
import { simulate } from '../../scripts/simulate/simulate.ts'

/** Any few do: nearly every seed notices, because its world has what the guard is there for. */
const seeds = [100, 101, 102, 103, 104]
/** So many of them must notice. */
const most = 3
const hours = 0.2

let chain: SimulatedChain
beforeAll(async () => {
  chain = await SimulatedChain.create()
})
afterAll(() => chain.close())

describe('simulate without a guard', () => {
  /** What must be seen to break. */
  const breaks: Record<GuardName, RegExp> = {
    claim: /the upstream ran|two different answers|is out\.|answered 402 while/,
    'hold-order': /the upstream ran \d+ times for/,
    'intent-record': /Reconciliation|is out\.|has a receipt/,
    depth: /Reconciliation|is out\.|never moved/,
    resolver: /has not ended/,
  }

  const title = 'behavior: most seeds notice that %s is gone, and one of them holds with it'
  test.each(guardNames)(title, { timeout: 240_000 }, async (guard) => {
    const noticed: number[] = []
    for (const seed of seeds) {
      if (noticed.length === most) break
      const { violations } = await simulate(chain, { seed, hours, guard })
      if (violations.some((text) => breaks[guard].test(text))) noticed.push(seed)
    }
    expect(noticed, 'seeds that noticed').toHaveLength(most)
    const [seed = 0] = noticed
    expect((await simulate(chain, { seed, hours, override: without(guard).world })).violations).toEqual([])
  })
})
