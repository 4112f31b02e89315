import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'
import { guardNames } from './simulate/guards.ts'
import { runInProcesses } from './simulate/run-in-processes.ts'
import { type Plan, runSeed, type SeedReport } from './simulate/SeedReport.ts'
import { SimulatedChain } from './simulate/SimulatedChain.ts'
import { Totals } from './simulate/Totals.ts'

const usage = `Usage: ./run simulate [--seed N] [--seeds COUNT] [--hours H] [--jobs N] [--keep-going] [--json]
                      [--without GUARD] [--deeper B] [--verbose]

Runs the real gateway in a simulated world full of faults, hours of virtual time for each seed, and checks that a payment
bought exactly one delivered result. The same seed always gives the same run.

  --seed N         first seed; default: drawn, and printed
  --seeds COUNT    how many seeds; default 1
  --hours H        hours of virtual time a seed; default 5
  --jobs N         processes that the seeds are spread over; default: one for each core
  --keep-going     does not stop at the first seed that fails
  --json           prints the sums as JSON, and what failed on the error output
  --without GUARD  takes a guard away, to see that its absence is noticed: ${guardNames.join(', ')}
  --deeper B       reorganisations take back up to B blocks that had counted; default 0
  --verbose        prints every event; with one process

An interrupt (Ctrl-C) ends it after the seeds that run, with the sums so far.`

const { values } = parseArgs({
  options: {
    seed: { type: 'string' },
    seeds: { type: 'string', default: '1' },
    hours: { type: 'string', default: '5' },
    jobs: { type: 'string' },
    'keep-going': { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    without: { type: 'string' },
    deeper: { type: 'string', default: '0' },
    verbose: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h', default: false },
  },
})
if (values.help) {
  console.log(usage)
  process.exit(0)
}
const whole = (name: string, text: string) => {
  const value = Number(text)
  if (Number.isFinite(value) && value >= 0) return value
  console.error(`--${name} ${text} is not a number.\n\n${usage}`)
  process.exit(2)
}
const first = values.seed === undefined ? Math.floor(Math.random() * 2 ** 31) : whole('seed', values.seed)
const count = whole('seeds', values.seeds)
const hours = whole('hours', values.hours)
const deeper = whole('deeper', values.deeper)
const wanted = values.jobs === undefined ? availableParallelism() : whole('jobs', values.jobs)
const jobs = values.verbose ? 1 : Math.max(1, Math.min(wanted, count))
const guard = guardNames.find((name) => name === values.without) ?? null
if (values.without !== undefined && guard === null) {
  console.error(`--without ${values.without}: there is no such guard.\n\n${usage}`)
  process.exit(2)
}
const plan: Plan = { hours, guard, override: deeper === 0 ? {} : { deeper, reorgs: 1 } }
const seeds = Array.from({ length: count }, (_, index) => first + index)
const say = values.json ? console.error : console.log

const totals = new Totals(hours)
let stopped = false
process.once('SIGINT', () => {
  stopped = true
  console.error('Ends after the seeds that run.')
})

/** Takes one seed in. False: enough. */
const done = (report: SeedReport): boolean => {
  totals.add(report)
  if (count === 1) say(summary(report))
  else if (totals.seeds % 50 === 0) console.error(totals.line())
  if (report.violations.length > 0) explain(report)
  return !stopped && (report.violations.length === 0 || values['keep-going'])
}

if (count > 1 && !values.verbose) await runInProcesses({ seeds, jobs, plan, done })
else {
  const chain = await SimulatedChain.create()
  const echo = values.verbose ? (line: string) => say(line) : undefined
  for (const seed of seeds) if (!done(await runSeed(chain, plan, seed, echo))) break
  await chain.close()
}
if (values.json) console.log(JSON.stringify(totals, null, 2))
else {
  console.log(totals.line())
  console.log(totals.faultLine())
  for (const seed of totals.failed) console.log(`Failed: ${repeat(seed)}`)
}
process.exitCode = totals.failed.length === 0 ? 0 : 1

function repeat(seed: number): string {
  const without = guard === null ? '' : ` --without ${guard}`
  return `./run simulate --seed ${seed} --hours ${hours}${without}${deeper === 0 ? '' : ` --deeper ${deeper}`} --verbose`
}

function summary({ seed, calls, outcomes, lives, digest }: SeedReport): string {
  const parts = Object.entries(outcomes).map(([name, times]) => `${times} ${name}`)
  return `Seed ${seed}: ${calls} paid calls (${parts.join(', ')}), ${lives} lives, digest ${digest}.`
}

function explain({ seed, violations, lastEvents }: SeedReport): void {
  say(`\nSeed ${seed} broke ${violations.length} promises:`)
  for (const violation of violations.slice(0, 10)) say(`  ${violation}`)
  say('\nThe last events:')
  for (const line of lastEvents) say(line)
  say(`\nRepeat it: ${repeat(seed)}\n`)
}
