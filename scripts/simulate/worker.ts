/** A process that runs the seeds it is sent, one after another, on a chain of its own. */
import { type Plan, runSeed } from './SeedReport.ts'
import { SimulatedChain } from './SimulatedChain.ts'

const chain = await SimulatedChain.create()
process.on('message', ({ plan, seed }: { plan: Plan; seed: number }) => {
  runSeed(chain, plan, seed).then(
    (report) => process.send?.(report),
    () => process.exit(1),
  )
})
process.on('disconnect', () => process.exit(0))
process.send?.('ready')
