import type { Result } from './Result.ts'

/** Something that the project promises about its speed. */
export type Target = {
  title: string
  /** What was found; null when it was not measured. */
  found: number | null
  /** The same by processor time, where there is such a thing. */
  byProcessor?: number | null
  /** Least or most that is promised. */
  least?: number
  most?: number
  unit: '×' | 'ms' | 'bytes'
}

/** Every promise with what this run found. */
export function targets({ ratios, ratiosByProcessor, latency, growth, memory }: Result): Target[] {
  const measured = Object.values(latency).filter(({ isYardstick }) => !isYardstick)
  const worst = (pick: (one: (typeof measured)[number]) => number) =>
    measured.length === 0 ? null : Math.max(...measured.map(pick))
  const rows: [title: string, name: keyof Result['ratiosByProcessor'], least: number][] = [
    ['channel call over `@x402/hono` batch-settlement', 'vsX402Batch', 10],
    ['channel call over the prototype', 'vsLimit', 0.6],
    ['repeated voucher over free', 'repeatedVoucherVsFree', 0.6],
    ['balance over free', 'balanceVsFree', 0.6],
    ['free over bare `Pool.dispatch`', 'freeVsDispatch', 0.6],
    ['free over nginx', 'freeVsNginx', 0.25],
  ]
  return [
    ...rows.map(([title, name, least]) => ({
      title,
      found: ratios[name],
      byProcessor: ratiosByProcessor[name],
      least,
      unit: '×' as const,
    })),
    {
      title: `${grownTitle(growth)} over small and new`,
      found: ratios.growth1M,
      byProcessor: growth?.ratioByProcessor ?? null,
      least: 0.9,
      unit: '×',
    },
    {
      title: 'p99 added at half load, the worst row',
      found: worst(({ added }) => added.p99),
      most: 5,
      unit: 'ms',
    },
    {
      title: 'longest scavenge at half load',
      found: worst(({ longestScavenge }) => longestScavenge),
      most: 5,
      unit: 'ms',
    },
    { title: 'heap for an idle channel', found: memory?.heapPerChannel ?? null, most: 1_000, unit: 'bytes' },
    {
      title: '… that was not touched for an hour',
      found: memory?.heapPerChannelAnHourLater ?? null,
      most: 100,
      unit: 'bytes',
    },
  ]
}

function grownTitle(growth: Result['growth']): string {
  const large = growth?.sizes.at(-1)
  const [channels, past] = [large?.channels ?? 1_000_000, large?.past ?? 10_000_000]
  return `${channels.toLocaleString('en')} channels and ${past.toLocaleString('en')} past calls`
}

/** Whether it is kept; null when it was not measured. */
export function isKept({ found, least, most }: Target): boolean | null {
  if (found === null) return null
  return (least === undefined || found >= least) && (most === undefined || found <= most)
}

/** What is promised, and what was found. */
export function describe(target: Target): { promised: string; found: string; byProcessor: string } {
  const { least, most, found, unit, byProcessor = null } = target
  const say = (value: number) =>
    unit === '×' ? `${value.toFixed(2)} ×` : `${value.toFixed(unit === 'ms' ? 2 : 0)} ${unit}`
  return {
    promised: least === undefined ? `≤ ${most} ${unit}` : `≥ ${least} ${unit}`,
    found: found === null ? '–' : say(found),
    byProcessor: byProcessor === null ? '' : `; by processor time ${say(byProcessor)}`,
  }
}
