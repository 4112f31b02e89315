import Table from 'cli-table3'

/** What one operation cost: microseconds of processor time, the median and the least of the rounds. */
export type Cost = { name: string; median: number; least: number }

/**
 * Measures operations in turns, each warmed up first, by processor time: waiting for a busy machine does not count, its cold
 * caches do. Leaves out what they leave to be collected, unless it is collected while they run.
 */
export async function measure(operations: measure.Operations, rounds = 9, roundMs = 40): Promise<Cost[]> {
  const timed: { name: string; run: measure.Operation; times: number; samples: number[] }[] = []
  for (const [name, run] of Object.entries(operations)) {
    await timeOf(run, 50)
    const times = Math.max(10, Math.ceil((roundMs * 1_000) / Math.max(await timeOf(run, 500), 0.1)))
    timed.push({ name, run, times, samples: [] })
  }
  for (let round = 0; round < rounds; round++)
    for (const { run, times, samples } of timed) samples.push(await timeOf(run, times))
  return timed.map(({ name, samples }) => {
    const sorted = samples.toSorted((a, b) => a - b)
    return { name, median: sorted[sorted.length >> 1] ?? 0, least: sorted[0] ?? 0 }
  })
}

async function timeOf(run: measure.Operation, times: number): Promise<number> {
  const before = process.cpuUsage()
  for (let count = 0; count < times; count++) {
    const result = run(count)
    if (result instanceof Promise) await result
  }
  const { user, system } = process.cpuUsage(before)
  return (user + system) / times
}

/** The costs as a table, with what each is of the last row's. */
export function tableOf(costs: readonly Cost[]): string {
  const last = costs.at(-1)?.median ?? 0
  const table = new Table({
    head: ['operation', 'median µs', 'least µs', 'a second', 'times the last'],
    style: { head: [], border: [], compact: true },
    colAligns: ['left', 'right', 'right', 'right', 'right'],
  })
  for (const { name, median, least } of costs)
    table.push([
      name,
      median.toFixed(1),
      least.toFixed(1),
      Math.round(1e6 / median).toLocaleString('en'),
      `${(last / median).toFixed(1)}×`,
    ])
  return table.toString()
}

export declare namespace measure {
  type Operation = (count: number) => unknown
  type Operations = Readonly<Record<string, Operation>>
}
