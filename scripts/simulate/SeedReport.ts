import type { GuardName } from './guards.ts'
import type { SimulatedChain } from './SimulatedChain.ts'
import type { Swarm } from './Swarm.ts'
import { simulate } from './simulate.ts'

/** What every seed of a run has in common. */
export type Plan = { hours: number; guard: GuardName | null; override: Partial<Swarm> }

/** What is told of one seed: plain, so that it may come from another process. */
export type SeedReport = Omit<simulate.Result, 'last' | 'about'> & {
  /** The last events, when something broke. */
  lastEvents: string[]
}

/** Runs one seed. What the simulation itself throws is a failure of the seed. */
export async function runSeed(
  chain: SimulatedChain,
  { hours, guard, override }: Plan,
  seed: number,
  echo?: (line: string) => void,
): Promise<SeedReport> {
  try {
    const options = { seed, hours, guard, override, ...(echo === undefined ? {} : { echo }) }
    const { last, about: _, ...result } = await simulate(chain, options)
    return { ...result, lastEvents: result.violations.length === 0 ? [] : last(40) }
  } catch (error) {
    return failed(seed, `The simulation threw ${error instanceof Error ? error.stack : String(error)}`)
  }
}

/** A seed that could not be run to its end. */
export function failed(seed: number, why: string): SeedReport {
  return {
    seed,
    violations: [why],
    digest: '',
    events: 0,
    calls: 0,
    outcomes: {},
    lives: 1,
    reorganisations: 0,
    faults: {},
    milliseconds: 0,
    lastEvents: [],
  }
}
