import os from 'node:os'
import { isPinned } from './Child.ts'
import { measureDisk } from './disk.ts'
import { gatewayRows } from './gateway-rows.ts'
import { runGrowth } from './growth/Growth.ts'
import { lacksRoom } from './growth/Ledgers.ts'
import { runIdleMemory } from './growth/memory.ts'
import { sizesFor } from './growth/sizes.ts'
import { runLatency } from './latency.ts'
import type { Options } from './options.ts'
import { peerRows } from './peer-rows.ts'
import { installPeers } from './peers/install.ts'
import type { Result } from './Result.ts'
import type { Row } from './Row.ts'
import { median, medians, ratios, table } from './report.ts'
import { runRounds, type Samples } from './rounds.ts'
import { prepareStand } from './Stand.ts'
import { describe, isKept, targets } from './targets.ts'
import { yardstickRows } from './yardstick-rows.ts'

/** Measures everything that was asked for, on one stand. Says every sample as it comes. */
export async function runBench(options: Options, say: (line: string) => void): Promise<Result> {
  const { rounds, connections, warmMs, measureMs } = options
  const told = { ...options, say }
  const machine = {
    node: process.version,
    cpu: os.cpus()[0]?.model ?? 'unknown',
    cores: os.cpus().length,
    pinned: isPinned,
  }
  say(
    `${machine.cpu}, ${machine.cores} cores, Node ${machine.node}${isPinned ? '' : '; NOT PINNED: no taskset'}`,
  )
  const all = rowsFor(options, say)
  const skipped: Result['skipped'] = {}
  for (const { name, skipped: why } of all) if (why !== null) skipped[name] = why
  const noRoom = options.growth || options.memory ? lacksRoom(sizesFor(options.past)) : null
  if (noRoom !== null) skipped.growth = noRoom
  for (const [name, why] of Object.entries(skipped)) say(`${name} is left out: ${why}`)

  const stand = await prepareStand({ connections, say })
  try {
    const samples = await runRounds(
      all.filter(({ skipped: why }) => why === null),
      stand,
      told,
    )
    if (all.length > 0) say(table(all, samples))
    if (options.latency) say('Added at half load')
    const latency = options.latency ? await runLatency(all, samples, stand, told) : {}
    const disk = options.latency ? measureDisk(stand.folder, options.quick ? 10 : 1_000) : null
    const growth = options.growth && noRoom === null ? await runGrowth(stand, told) : null
    const memory = options.memory && noRoom === null ? await runIdleMemory(stand, told) : null
    const result: Result = {
      machine,
      conditions: { rounds, connections, warmMs, measureMs, upstream: stand.upstream.kind },
      medians: medians(samples),
      ratios: { ...ratios(samples), growth1M: growth?.ratio ?? null },
      ratiosByProcessor: ratios(samples, 'processor'),
      samples,
      skipped,
      latency,
      disk,
      growth,
      memory,
    }
    sayBusy(samples, say)
    for (const target of targets(result)) {
      const { promised, found, byProcessor } = describe(target)
      const kept = isKept(target)
      if (kept !== null)
        say(`${kept ? 'kept  ' : 'MISSED'}  ${target.title}: ${found} (promised ${promised})${byProcessor}`)
    }
    return result
  } finally {
    await stand.close()
  }
}

/** A server that is asked as much as it can answer has its core to itself, or the machine is not free. */
function sayBusy(samples: Samples, say: (line: string) => void): void {
  const share = median(Object.values(samples).flatMap((of) => of.map(({ serverBusy }) => serverBusy)))
  if (share === null || share > 0.8) return
  say(`The servers had ${(share * 100).toFixed(0)} % of their core: something else uses this machine.`)
  say('Rates and latencies say little; processor time says more.')
}

function rowsFor({ only }: Options, say: (line: string) => void): Row[] {
  const wanted = ({ name }: Row) => only.test(name)
  const peers = peerRows(null).some(wanted) ? peerRows(installPeers(say)) : []
  return [...gatewayRows, ...yardstickRows, ...peers].filter(wanted)
}
