import type { Options } from '../options.ts'
import type { Memory } from '../probe.ts'
import { measure } from '../Sample.ts'
import type { Stand } from '../Stand.ts'
import { paidRequests, type Signed, sessionOffer } from '../vouchers.ts'
import { seeded } from './Ledgers.ts'
import { freshVouchersOf } from './pick-channels.ts'
import { startOn } from './Running.ts'
import { sizesFor } from './sizes.ts'

/** What a channel that is not being used takes of a gateway's heap. Bytes. */
export type IdleMemory = {
  /** Channels that made one call each, and then none. */
  channels: number
  heapPerChannel: number
  /** The same when the gateway's clock says that an hour has passed. */
  heapPerChannelAnHourLater: number
  before: Memory
  after: Memory
  anHourLater: Memory
}

/** Longest wait for what a gateway does once a minute. */
const minuteMs = 65_000

/** Makes one call on each of many channels, and looks at what stays on the heap. */
export async function runIdleMemory(
  stand: Stand,
  options: Options & { say(line: string): void },
): Promise<IdleMemory> {
  const [, middle] = sizesFor(options.past)
  const running = await startOn(await seeded(middle, stand, options.say), stand)
  const { gateway, port, folder, ledger } = running
  try {
    const toRequest = paidRequests(await sessionOffer(`http://127.0.0.1:${port}`), stand.chain.chainId)
    const call = async (vouchers: Signed[][]) => {
      const script = vouchers.map((of) => of.map(toRequest))
      const sample = await measure(gateway, {
        folder,
        script,
        port,
        loop: false,
        warmMs: 0,
        measureMs: 300_000,
      })
      if (sample.failed > 0) throw new Error(`memory: ${sample.failed} calls failed. ${sample.firstFailure}`)
      return sample.answeredInAll
    }
    const memory = async () => (await gateway.ask('memory')) as Memory
    // The first tenth makes the code hot; what that takes is no channel's.
    const each = Math.floor((0.9 * ledger.live) / options.connections)
    const vouchers = freshVouchersOf(ledger, stand, each)
    const first = Math.ceil(each / 10)
    await call(vouchers.map((of) => of.slice(0, first)))
    const before = await memory()
    const channels = await call(vouchers.map((of) => of.slice(first)))
    const after = await memory()
    await gateway.ask('later 3660000')
    let anHourLater = await memory()
    const until = performance.now() + (options.quick ? 0 : minuteMs)
    while (performance.now() < until) {
      await new Promise((resolve) => setTimeout(resolve, 5_000))
      anHourLater = await memory()
    }
    const found = {
      channels,
      heapPerChannel: (after.heap - before.heap) / channels,
      heapPerChannelAnHourLater: (anHourLater.heap - before.heap) / channels,
      before,
      after,
      anHourLater,
    }
    options.say(describe(found))
    return found
  } finally {
    await running.stop()
  }
}

function describe({ channels, heapPerChannel, heapPerChannelAnHourLater }: IdleMemory): string {
  return `  ${channels} idle channels: ${heapPerChannel.toFixed(0)} bytes of heap each, ${heapPerChannelAnHourLater.toFixed(0)} an hour later`
}
