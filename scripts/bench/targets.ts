import type { Result } from './Result.ts'

/** Something that the project promises about its speed. */
export type Target = {
  title: string
  /** What was found; null when it was not measured. */
  found: number | null
  /** Least or most that is promised. */
  least?: number
  most?: number
  unit: '×' | 'ms' | 'bytes'
}

/** Every promise with what this run found. */
export function targets({ ratios, latency, growth, memory }: Result): Target[] {
  const measured = Object.values(latency)
  const worst = (pick: (one: (typeof measured)[number]) => number) =>
    measured.length === 0 ? null : Math.max(...measured.map(pick))
  return [
    {
      title: 'channel call over `@x402/hono` batch-settlement',
      found: ratios.vsX402Batch,
      least: 10,
      unit: '×',
    },
    { title: 'channel call over the prototype', found: ratios.vsLimit, least: 0.6, unit: '×' },
    { title: 'repeated voucher over free', found: ratios.repeatedVoucherVsFree, least: 0.6, unit: '×' },
    { title: 'balance over free', found: ratios.balanceVsFree, least: 0.6, unit: '×' },
    { title: 'free over bare `Pool.dispatch`', found: ratios.freeVsDispatch, least: 0.6, unit: '×' },
    { title: 'free over nginx', found: ratios.freeVsNginx, least: 0.25, unit: '×' },
    { title: `${grownTitle(growth)} over small and new`, found: ratios.growth1M, least: 0.9, unit: '×' },
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
export function describe(target: Target): { promised: string; found: string } {
  const { least, most, found, unit } = target
  const say = (value: number) =>
    unit === '×' ? `${value.toFixed(2)} ×` : `${value.toFixed(unit === 'ms' ? 2 : 0)} ${unit}`
  return {
    promised: least === undefined ? `≤ ${most} ${unit}` : `≥ ${least} ${unit}`,
    found: found === null ? '–' : say(found),
  }
}
