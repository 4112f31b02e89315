import Table from 'cli-table3'
import type { Row } from './Row.ts'
import type { Samples } from './rounds.ts'
import type { Sample } from './Sample.ts'

/** The middle value; of an even number the mean of the two. */
export function median(values: readonly number[]): number | null {
  const sorted = values.toSorted((a, b) => a - b)
  const high = sorted[Math.floor(sorted.length / 2)]
  const low = sorted[Math.ceil(sorted.length / 2) - 1]
  return high === undefined || low === undefined ? null : (high + low) / 2
}

/**
 * One row over another: the median of what each round saw, because both were measured within the same minutes. By calls a
 * second, or by what a call takes of the processor, which says more while others use the machine.
 */
export function ratio(samples: Samples, over: string, under: string, by: By = 'rate'): number | null {
  const below = samples[under] ?? []
  const pairs = (samples[over] ?? []).flatMap((one, round) => {
    const other = below[round]
    if (other === undefined) return []
    const found = by === 'rate' ? one.rate / other.rate : other.microsPerCall / one.microsPerCall
    return Number.isFinite(found) ? [found] : []
  })
  return median(pairs)
}

type By = 'rate' | 'processor'

/** The comparisons that the project promises something about. Null where a row was not measured. */
export function ratios(samples: Samples, by: By = 'rate') {
  const of = (over: string, under: string) => ratio(samples, over, under, by)
  return {
    vsX402Batch: of('channel', 'x402-batch'),
    vsMppxCharge: of('channel', 'mppx-charge'),
    vsLimit: of('channel', 'limit'),
    balanceVsFree: of('balance', 'free'),
    repeatedVoucherVsFree: of('channel-repeated', 'free'),
    freeVsDispatch: of('free', 'dispatch'),
    freeVsNginx: of('free', 'nginx'),
    vsLimitKept: of('channel', 'limit-kept'),
    balanceVsLimitKept: of('balance', 'limit-balance'),
    limitKeptVsFree: of('limit-balance', 'free'),
  }
}

/** Medians of a row over its rounds. */
export function medians(samples: Samples) {
  const middle = (of: readonly Sample[], name: 'rate' | 'p50' | 'p99' | 'microsPerCall') =>
    median(of.map((sample) => sample[name]))
  return Object.fromEntries(
    Object.entries(samples).map(([name, of]) => [
      name,
      {
        rate: middle(of, 'rate'),
        p50: middle(of, 'p50'),
        p99: middle(of, 'p99'),
        microsPerCall: middle(of, 'microsPerCall'),
      },
    ]),
  )
}

/** The table for a reader. */
export function table(rows: readonly Row[], samples: Samples): string {
  const out = new Table({
    head: ['Row', 'Calls/s (median)', 'Least', 'Most', 'p50 ms', 'p99 ms', 'CPU µs a call'],
    colAligns: ['left', 'right', 'right', 'right', 'right', 'right', 'right'],
    style: { head: [], border: [] },
  })
  for (const { name, title, skipped } of rows) {
    const of = samples[name] ?? []
    const rates = of.map(({ rate }) => rate)
    if (rates.length === 0) out.push([title, { colSpan: 6, content: skipped ?? 'not measured' }])
    else
      out.push([
        title,
        round(median(rates)),
        round(Math.min(...rates)),
        round(Math.max(...rates)),
        round(median(of.map(({ p50 }) => p50)), 2),
        round(median(of.map(({ p99 }) => p99)), 2),
        round(median(of.map(({ microsPerCall }) => microsPerCall))),
      ])
  }
  return out.toString()
}

const round = (value: number | null, digits = 0) => (value === null ? '–' : value.toFixed(digits))
