import { parseArgs } from 'node:util'
import { type GuardName, guardNames } from './simulate/guards.ts'
import { SimulatedChain } from './simulate/SimulatedChain.ts'
import { simulate } from './simulate/simulate.ts'

const usage = `Usage: ./run simulate [--seed N] [--seeds COUNT] [--hours H] [--without GUARD] [--deeper B]
                      [--keep-going] [--verbose]

Runs the real gateway in a simulated world full of faults, hours of virtual time for each seed, and checks that a payment
bought exactly one delivered result. The same seed always gives the same run.

  --seed N         first seed; default: drawn, and printed
  --seeds COUNT    how many seeds, one after another; default 1
  --hours H        hours of virtual time a seed; default 5
  --without GUARD  takes a guard away, to see that its absence is noticed: ${guardNames.join(', ')}
  --deeper B       reorganisations take back up to B blocks that had counted; default 0
  --keep-going     does not stop at the first seed that fails
  --verbose        prints every event`

const { values } = parseArgs({
  options: {
    seed: { type: 'string' },
    seeds: { type: 'string', default: '1' },
    hours: { type: 'string', default: '5' },
    without: { type: 'string' },
    deeper: { type: 'string', default: '0' },
    'keep-going': { type: 'boolean', default: false },
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
const override = deeper === 0 ? {} : { deeper, reorgs: 1 }
const guard = guardNames.find((name) => name === values.without) ?? null
if (values.without !== undefined && guard === null) {
  console.error(`--without ${values.without}: there is no such guard.\n\n${usage}`)
  process.exit(2)
}

const chain = await SimulatedChain.create()
const begun = performance.now()
const sums = { calls: 0, lives: 0, reorganisations: 0, events: 0, failed: 0 }
let ran = 0
for (let seed = first; seed < first + count; seed += 1) {
  const echo = values.verbose ? (line: string) => console.log(line) : undefined
  const result = await simulate(chain, {
    seed,
    hours,
    guard,
    override,
    ...(echo === undefined ? {} : { echo }),
  })
  ran += 1
  sums.calls += result.calls
  sums.lives += result.lives
  sums.reorganisations += result.reorganisations
  sums.events += result.events
  if (count === 1) console.log(summary(result))
  if (result.violations.length === 0) continue
  sums.failed += 1
  explain(result, guard)
  if (!values['keep-going']) break
}
const seconds = (performance.now() - begun) / 1_000
console.log(
  `${ran} seeds of ${hours} h in ${seconds.toFixed(1)} s: ${sums.calls} paid calls, ${sums.events} events, ${sums.lives - ran} crashes, ${sums.reorganisations} reorganisations; ${sums.failed === 0 ? 'everything held' : `${sums.failed} seeds failed`}.`,
)
await chain.close()
process.exitCode = sums.failed === 0 ? 0 : 1

function summary(result: simulate.Result): string {
  const outcomes = Object.entries(result.outcomes).map(([name, times]) => `${times} ${name}`)
  return `Seed ${result.seed}: ${result.calls} paid calls (${outcomes.join(', ')}), ${result.lives} lives, digest ${result.digest}.`
}

function explain(result: simulate.Result, without: GuardName | null): void {
  console.log(`\nSeed ${result.seed} broke ${result.violations.length} promises:`)
  for (const violation of result.violations.slice(0, 10)) console.log(`  ${violation}`)
  console.log('\nThe last events:')
  for (const line of result.last(40)) console.log(line)
  const guardOption =
    (without === null ? '' : ` --without ${without}`) + (deeper === 0 ? '' : ` --deeper ${deeper}`)
  console.log(`\nRepeat it: ./run simulate --seed ${result.seed} --hours ${hours}${guardOption} --verbose\n`)
}
