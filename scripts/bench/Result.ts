import type { Disk } from './disk.ts'
import type { Growth } from './growth/Growth.ts'
import type { IdleMemory } from './growth/memory.ts'
import type { Latency } from './latency.ts'
import type { medians, ratios } from './report.ts'
import type { Samples } from './rounds.ts'

/** What a run has found: its JSON line. Null where a part was not asked for, or could not be measured. */
export type Result = {
  machine: { node: string; cpu: string; cores: number; pinned: boolean }
  conditions: { rounds: number; connections: number; warmMs: number; measureMs: number; upstream: string }
  medians: ReturnType<typeof medians>
  ratios: ReturnType<typeof ratios> & { growth1M: number | null }
  /** The same by processor time instead of calls a second. */
  ratiosByProcessor: ReturnType<typeof ratios>
  samples: Samples
  /** Rows that could not be measured, and why. */
  skipped: Record<string, string>
  latency: Record<string, Latency>
  /** The disk alone, measured with the latencies. */
  disk: Disk | null
  growth: Growth | null
  memory: IdleMemory | null
}
