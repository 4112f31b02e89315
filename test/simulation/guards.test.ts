import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type GuardName, guardNames } from '../../scripts/simulate/guards.ts'
import { SimulatedChain } from '../../scripts/simulate/SimulatedChain.ts'
import { simulate } from '../../scripts/simulate/simulate.ts'

let chain: SimulatedChain
beforeAll(async () => {
  chain = await SimulatedChain.create()
})
afterAll(() => chain.close())

describe('simulate without a guard', () => {
  /** Where to look first, and what must be seen to break. A change elsewhere may move it to one of the next seeds. */
  const expected: Record<GuardName, { seed: number; breaks: RegExp }> = {
    claim: { seed: 100, breaks: /the upstream ran|two different answers|is out\.|answered 402 while/ },
    'hold-order': { seed: 100, breaks: /the upstream ran \d+ times for/ },
    'intent-record': { seed: 104, breaks: /Reconciliation|is out\.|has a receipt/ },
    depth: { seed: 152, breaks: /Reconciliation|is out\.|never moved/ },
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
