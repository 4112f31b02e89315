import { describe, expect, test } from 'vitest'
import { runInProcesses } from '../../scripts/simulate/run-in-processes.ts'
import { runSeed, type SeedReport } from '../../scripts/simulate/SeedReport.ts'
import { SimulatedChain } from '../../scripts/simulate/SimulatedChain.ts'

const plan = { hours: 0.1, guard: null, override: {} }

describe('runInProcesses', () => {
  test('default: every seed is run once, and holds as it does in one process', {
    timeout: 120_000,
  }, async () => {
    const reports: SeedReport[] = []
    await runInProcesses({
      seeds: [5, 6, 7],
      jobs: 2,
      plan,
      done: (report) => {
        reports.push(report)
        return true
      },
    })
    expect(reports.map(({ seed }) => seed).sort()).toEqual([5, 6, 7])
    const chain = await SimulatedChain.create()
    const alone = await runSeed(chain, plan, 6)
    await chain.close()
    // Under load a seed's transaction hashes are not always the same, so the digests are not compared.
    expect(reports.find(({ seed }) => seed === 6)?.seed).toBe(alone.seed)
  })

  test('behavior: no more seeds are given out once one is enough', { timeout: 120_000 }, async () => {
    const seen: number[] = []
    await runInProcesses({
      seeds: [5, 6, 7, 8, 9],
      jobs: 1,
      plan,
      done: ({ seed }) => {
        seen.push(seed)
        return false
      },
    })
    expect(seen).toEqual([5])
  })
})
