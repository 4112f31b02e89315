import { describe, expect, test } from 'vitest'
import { runInProcesses } from '../../scripts/simulate/run-in-processes.ts'
import { runSeed, type SeedReport } from '../../scripts/simulate/SeedReport.ts'
import { SimulatedChain } from '../../scripts/simulate/SimulatedChain.ts'

const plan = { hours: 0.1, guard: null, override: {} }

/** What must come again: all but how long it took. */
const repeated = ({ milliseconds: _, ...report }: SeedReport) => report

describe('runInProcesses', () => {
  test('default: every seed is run once, and comes to what it does in one process', {
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
    const chain = await SimulatedChain.create()
    const alone: SeedReport[] = []
    for (const seed of [5, 6, 7]) alone.push(await runSeed(chain, plan, seed))
    await chain.close()
    expect(reports.sort((a, b) => a.seed - b.seed).map(repeated)).toEqual(alone.map(repeated))
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
