import os from 'node:os'
import { isPinned } from './bench/Child.ts'
import { gatewayRows } from './bench/gateway-rows.ts'
import { type Growth, runGrowth } from './bench/growth/Growth.ts'
import { lacksRoom } from './bench/growth/Ledgers.ts'
import { type IdleMemory, runIdleMemory } from './bench/growth/memory.ts'
import { sizesFor } from './bench/growth/sizes.ts'
import { type Latency, runLatency } from './bench/latency.ts'
import { type Options, readOptions, UsageError } from './bench/options.ts'
import { peerRows } from './bench/peer-rows.ts'
import { installPeers } from './bench/peers/install.ts'
import type { Row } from './bench/Row.ts'
import { medians, ratios, table } from './bench/report.ts'
import { runRounds } from './bench/rounds.ts'
import { prepareStand } from './bench/Stand.ts'
import { yardstickRows } from './bench/yardstick-rows.ts'

/**
 * `./run bench [--json] [--only REGEX] [--rounds N] [--warm MS] [--measure MS] [--quick]`: how fast a paid call is, beside
 * the same call free, beside others, and beside what this machine could do at most. docs/performance.md says how to read it.
 */
let options: Options
try {
  options = readOptions(process.argv.slice(2))
} catch (error) {
  if (!(error instanceof UsageError)) throw error
  process.stderr.write(`${error.message}\n`)
  process.exit(2)
}

const say = (line: string) => void (options.json ? process.stderr : process.stdout).write(`${line}\n`)
const wanted = ({ name }: Row) => options.only.test(name)
const own = [...gatewayRows, ...yardstickRows].filter(wanted)
const needed = peerRows(null).filter(wanted).length > 0
const all = [...own, ...peerRows(needed ? installPeers(say) : null).filter(wanted)]
const machine = {
  node: process.version,
  cpu: os.cpus()[0]?.model ?? 'unknown',
  cores: os.cpus().length,
  pinned: isPinned,
}
say(
  `${machine.cpu}, ${machine.cores} cores, Node ${machine.node}${isPinned ? '' : '; NOT PINNED: taskset is missing'}`,
)
for (const { name, skipped } of all) if (skipped !== null) say(`${name} is left out: ${skipped}`)

const stand = await prepareStand({ connections: options.connections, say })
try {
  const rows = all.filter(({ skipped }) => skipped === null)
  const samples = await runRounds(rows, stand, { ...options, say })
  say(table(all, samples))
  for (const [name, value] of Object.entries(ratios(samples)))
    if (value !== null) say(`  ${name.padEnd(22)} ${value.toFixed(3)}`)
  let latency: Record<string, Latency> = {}
  if (options.latency) {
    say('Latency added at half load')
    latency = await runLatency(gatewayRows.filter(wanted), samples, stand, { ...options, say })
  }
  let growth: Growth | null = null
  let memory: IdleMemory | null = null
  const noRoom = options.growth || options.memory ? lacksRoom(sizesFor(options.past)) : null
  if (noRoom !== null) say(`growth and memory are left out: ${noRoom}`)
  else {
    if (options.growth) growth = await runGrowth(stand, { ...options, say })
    if (growth !== null) say(`  growth1M               ${growth.ratio?.toFixed(3)}`)
    if (options.memory) memory = await runIdleMemory(stand, { ...options, say })
  }
  if (options.json) {
    const result = {
      machine,
      upstream: stand.upstream.kind,
      medians: medians(samples),
      ratios: ratios(samples),
    }
    process.stdout.write(`${JSON.stringify({ ...result, samples, latency, growth, memory })}\n`)
  }
} finally {
  await stand.close()
}
