import { fastest } from '../gateway-rows.ts'
import type { Options } from '../options.ts'
import type { Memory } from '../probe.ts'
import { ratio } from '../report.ts'
import { measure, type Sample } from '../Sample.ts'
import type { Stand } from '../Stand.ts'
import { paidRequests, sessionOffer } from '../vouchers.ts'
import { seeded } from './Ledgers.ts'
import { freshVouchersOf } from './pick-channels.ts'
import { type Running, startOn } from './Running.ts'
import { type Size, sizesFor } from './sizes.ts'

/** How a gateway does whose books have grown: the fresh-voucher row, on channels taken at random from all. */
export type Growth = {
  sizes: Grown[]
  /** The large ledger over the small one: the median of what each round saw. */
  ratio: number | null
  /** The same by processor time. */
  ratioByProcessor: number | null
}

export type Grown = Size & {
  fileBytes: number
  startMs: number
  /** Before the first call. */
  memoryAtStart: Memory
  samples: Sample[]
}

/** Measures every size once a round, in turns. One gateway a size stays up: an idle one costs the others nothing. */
export async function runGrowth(
  stand: Stand,
  options: Options & { say(line: string): void },
): Promise<Growth> {
  const running: Running[] = []
  const sizes: Grown[] = []
  try {
    for (const size of sizesFor(options.past)) {
      const one = await startOn(await seeded(size, stand, options.say), stand)
      running.push(one)
      const { fileBytes, startMs, memoryAtStart } = one
      const grown = { ...size, fileBytes, startMs, memoryAtStart, samples: [] }
      sizes.push(grown)
      options.say(describeStart(grown))
    }
    const turns = running.flatMap((one, index) => {
      const grown = sizes[index]
      return grown === undefined ? [] : [{ one, grown }]
    })
    for (let round = 0; round < options.rounds; round += 1)
      for (const { one, grown } of round % 2 === 0 ? turns : turns.toReversed()) {
        const sample = await sampleOf(one, stand, options)
        grown.samples.push(sample)
        options.say(describeSample(grown, sample))
      }
  } finally {
    for (const one of running) await one.stop()
  }
  return { sizes, ratio: ratioOf(sizes, 'rate'), ratioByProcessor: ratioOf(sizes, 'processor') }
}

function ratioOf(sizes: readonly Grown[], by: 'rate' | 'processor'): number | null {
  const samples = { small: sizes[0]?.samples ?? [], large: sizes.at(-1)?.samples ?? [] }
  return ratio(samples, 'large', 'small', by)
}

async function sampleOf(
  { ledger, gateway, port, folder }: Running,
  stand: Stand,
  options: Options,
): Promise<Sample> {
  const { warmMs, measureMs, connections } = options
  const each = Math.ceil((fastest * (warmMs + measureMs)) / 1_000 / connections)
  const toRequest = paidRequests(await sessionOffer(`http://127.0.0.1:${port}`), stand.chain.chainId)
  const script = freshVouchersOf(ledger, stand, each).map((vouchers) => vouchers.map(toRequest))
  const sample = await measure(gateway, { folder, script, port, loop: false, warmMs, measureMs })
  if (sample.failed > 0) throw new Error(`growth: ${sample.failed} calls failed. ${sample.firstFailure}`)
  if (sample.exhausted > 0) throw new Error(`growth: ${sample.exhausted} connections ran out of vouchers.`)
  return sample
}

function describeStart({ channels, past, fileBytes, startMs, memoryAtStart }: Grown): string {
  return `  ${channels} channels, ${past} past calls: ${(fileBytes / 1e9).toFixed(2)} GB, listens after ${(startMs / 1_000).toFixed(1)} s, heap ${(memoryAtStart.heap / 1e6).toFixed(0)} MB`
}

function describeSample({ channels, past }: Grown, sample: Sample): string {
  const { rate, p50, p99, microsPerCall } = sample
  return `  ${channels} channels, ${past} past calls: ${rate.toFixed(0)} calls/s, p50 ${p50.toFixed(2)} ms, p99 ${p99.toFixed(2)} ms, ${microsPerCall.toFixed(0)} µs/call`
}
