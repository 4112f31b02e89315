import { writeFileSync } from 'node:fs'
import { Session } from 'node:inspector/promises'
import { constants, PerformanceObserver } from 'node:perf_hooks'
import { getHeapSpaceStatistics } from 'node:v8'

/**
 * Preloaded into a server under test (`node --expose-gc --import …/probe.ts`) where more is asked of it than how fast it
 * answers. It speaks over the channel to the process that started it, and is silent until it is asked.
 */

/**
 * Pauses of the collector, in milliseconds. `scavenge`: of the young generation. `kept`: bytes that it moved to the old one, from
 * where only a full collection frees them; null when one ran meanwhile.
 */
export type Pauses = { scavenge: readonly number[]; other: readonly number[]; kept: number | null }

/** Bytes in use after a full collection. */
export type Memory = { heap: number; external: number; resident: number }

const scavenge = constants.NODE_PERFORMANCE_GC_MINOR
const oldSpace = () =>
  getHeapSpaceStatistics().find(({ space_name }) => space_name === 'old_space')?.space_used_size ?? 0

let pauses: { scavenge: number[]; other: number[] } = { scavenge: [], other: [] }
let oldBefore = 0
const observer = new PerformanceObserver((list) => {
  for (const entry of list.getEntries() as (PerformanceEntry & { detail: { kind: number } })[]) {
    const { duration, detail } = entry
    pauses[detail.kind === scavenge ? 'scavenge' : 'other'].push(duration)
  }
})
observer.observe({ entryTypes: ['gc'] })

let session: Session | null = null

async function answer(question: string): Promise<unknown> {
  const [what = '', argument = ''] = question.split(' ')
  switch (what) {
    case 'forget-pauses':
      pauses = { scavenge: [], other: [] }
      oldBefore = oldSpace()
      return true
    case 'pauses':
      return { ...pauses, kept: pauses.other.length > 0 ? null : oldSpace() - oldBefore } satisfies Pauses
    case 'memory': {
      // Twice: what the first finds unreachable may hold on to more.
      await globalThis.gc?.({ execution: 'async', type: 'major' })
      await globalThis.gc?.({ execution: 'async', type: 'major' })
      const { heapUsed, external, rss } = process.memoryUsage()
      return { heap: heapUsed, external, resident: rss } satisfies Memory
    }
    case 'later': {
      // Time as the gateway reads it; nothing else of the process changes.
      const real = Date.now.bind(Date)
      const shift = Number(argument)
      Date.now = () => real() + shift
      return true
    }
    case 'profile':
      session = new Session()
      session.connect()
      await session.post('Profiler.enable')
      await session.post('Profiler.setSamplingInterval', { interval: 250 })
      await session.post('Profiler.start')
      return true
    case 'profiled': {
      const result = await session?.post('Profiler.stop')
      writeFileSync(argument, JSON.stringify(result?.profile))
      session?.disconnect()
      return true
    }
    default:
      throw new Error(`The probe was asked ${JSON.stringify(question)}.`)
  }
}

process.on('message', (question) => {
  void answer(String(question)).then((said) => process.send?.(said))
})
process.channel?.unref()
