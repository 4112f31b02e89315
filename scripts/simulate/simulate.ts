import { check } from './checks.ts'
import { type GuardName, without } from './guards.ts'
import { Payer } from './Payer.ts'
import type { SimulatedChain } from './SimulatedChain.ts'
import { calm, type Swarm } from './Swarm.ts'
import { virtualTime } from './virtual-time.ts'
import { World } from './World.ts'

/** Runs one seed: some hours in its world, then a rest without faults, then every check. */
export async function simulate(chain: SimulatedChain, options: simulate.Options): Promise<simulate.Result> {
  const { seed, hours, guard = null, override = {}, echo } = options
  const world = await World.create({
    seed,
    chain,
    guards: without(guard),
    override,
    ...(echo === undefined ? {} : { echo }),
  })
  const restore = virtualTime(world.scheduler, world.random.fork('bytes'))
  const begun = performance.now()
  try {
    const payers = Array.from(
      { length: world.swarm.payers },
      (_, index) => new Payer(world, poorest(index, chain)),
    )
    await run(world, payers, hours)
    return resultOf(world, payers, seed, begun)
  } finally {
    restore()
    await world.end()
  }
}

async function run(world: World, payers: readonly Payer[], hours: number): Promise<void> {
  const { scheduler, journal } = world
  const end = scheduler.now() + hours * 3_600_000
  const failed = (error: unknown) =>
    world.violate(`The simulation itself failed: ${String((error as Error).stack)}`)
  world.keepAlive().catch(failed)
  weather(world, end).catch(failed)
  for (const payer of payers) payer.live(end).catch(failed)
  await scheduler.run(end)

  journal.say('faults end')
  world.swarm = calm(world.swarm)
  const within = async (minutes: number, work: () => Promise<boolean>) => {
    let done = false
    work()
      .then((result) => {
        done = result
      })
      .catch(failed)
    await scheduler.run(scheduler.now() + minutes * 60_000, () => done)
    return done
  }
  /** Long enough for a process that is down to come back, for offers to expire, and for everything to be asked after. */
  await scheduler.run(scheduler.now() + 45 * 60_000)
  const all = async () => {
    let told = true
    for (const payer of payers) told = (await payer.conclude()) && told
    return told
  }
  for (let round = 0; round < 3; round += 1) if (await within(10, all)) break
  const closed = async () => {
    for (const payer of payers) {
      await payer.channels.closeAll()
      await payer.channels.withdrawAll()
    }
    return true
  }
  await within(20, closed)
  await scheduler.run(scheduler.now() + 20 * 60_000)
  if (payers.some(({ busy }) => busy)) journal.say('some payer is still busy')
  await check(world, payers)
}

/** Reorganisations, blocks that do not come, and clocks that are set. */
async function weather(world: World, end: number): Promise<void> {
  const random = world.random.fork('weather')
  const { scheduler, chain } = world
  for (;;) {
    await scheduler.sleep(random.between(60_000, world.swarm.weatherMs))
    if (scheduler.now() >= end) return
    const { swarm } = world
    // Without `deeper` never so many that a block which counted is taken back.
    const deepest = swarm.confirmations - 1 + swarm.deeper
    if (deepest > 0 && random.chance(swarm.reorgs)) {
      const [blocks, keep] = [random.between(1, deepest), random.chance(swarm.reorgsKeep)]
      await scheduler.perform(() => chain.doom(blocks, keep))
    }
    if (random.chance(swarm.withheld / 3)) {
      const ms = random.between(10_000, 600_000)
      await scheduler.perform(() => chain.withhold(ms))
      world.faults.add('blocks withheld')
    }
    if (random.chance(swarm.clockJumps / 3)) {
      world.current?.jump(random.between(-20_000, 20_000))
      world.faults.add('clock set')
    }
  }
}

const poorest = (index: number, chain: SimulatedChain) => (index === 3 ? chain.payers.length - 1 : index)

function resultOf(world: World, payers: readonly Payer[], seed: number, begun: number): simulate.Result {
  const calls = payers.flatMap(({ notebook }) => notebook.calls)
  const outcomes: Record<string, number> = {}
  for (const { outcome } of calls) outcomes[outcome] = (outcomes[outcome] ?? 0) + 1
  return {
    seed,
    violations: world.violations,
    digest: world.journal.digest(),
    events: world.journal.count,
    calls: calls.length,
    outcomes,
    lives: world.lives,
    reorganisations: world.reorganisations,
    faults: world.faults.counts(),
    milliseconds: performance.now() - begun,
    last: (count) => world.journal.last(count),
    about: (text) => world.journal.about(text),
  }
}

export declare namespace simulate {
  type Options = {
    seed: number
    hours: number
    /** The guard that is taken away. */
    guard?: GuardName | null
    override?: Partial<Swarm>
    echo?: (line: string) => void
  }
  type Result = {
    seed: number
    /** Empty when everything held. */
    violations: readonly string[]
    /** Over every event: equal for two runs of a seed. */
    digest: string
    events: number
    calls: number
    outcomes: Record<string, number>
    lives: number
    reorganisations: number
    /** Faults that happened, by kind. */
    faults: Record<string, number>
    milliseconds: number
    last(count: number): string[]
    about(text: string): string[]
  }
}
