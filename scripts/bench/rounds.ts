import { mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { Options } from './options.ts'
import * as Profile from './Profile.ts'
import type { Row } from './Row.ts'
import { measure, type Sample } from './Sample.ts'
import type { Stand } from './Stand.ts'
import { tryForged } from './try-forged.ts'

/** Samples by row, one a round. */
export type Samples = Record<string, Sample[]>

/** Measures every row once a round, each in fresh processes; every second round goes the other way. */
export async function runRounds(
  rows: readonly Row[],
  stand: Stand,
  options: Options & { say(line: string): void },
): Promise<Samples> {
  const samples: Samples = Object.fromEntries(rows.map(({ name }) => [name, []]))
  for (let round = 0; round < options.rounds; round += 1) {
    options.say(`round ${round + 1} of ${options.rounds}`)
    for (const row of round % 2 === 0 ? rows : rows.toReversed()) {
      const watch = options.profile && row.hasProbe ? 'profile' : undefined
      const sample = await measureRow(row, stand, options, { watch })
      samples[row.name]?.push(sample)
      options.say(describe(row.name, sample))
      if (sample.profile !== undefined) options.say(Profile.describe(row.name, sample.profile))
    }
  }
  return samples
}

/** Starts a row's server afresh, measures it, and compares what was answered with its books. */
export async function measureRow(
  row: Row,
  stand: Stand,
  options: Pick<Options, 'warmMs' | 'measureMs' | 'connections'>,
  special: { watch?: 'profile' | 'pauses' | undefined; perSecond?: number } = {},
): Promise<Sample> {
  const { warmMs, measureMs, connections } = options
  const folder = mkdtempSync(join(stand.folder, 'sample-'))
  const calls = (perSecond: number) => Math.ceil((perSecond * (warmMs + measureMs)) / 1_000 / connections)
  const probe = special.watch !== undefined
  const { server, check, refused, ...sent } = await row.start({ stand, folder, calls, probe })
  try {
    const sample = await tryForged(row.name, sent.port, refused)
      .then(() => measure(server, { folder, warmMs, measureMs, ...special, ...sent }))
      .finally(server.stop)
    if (sample.failed > 0)
      throw new Error(`${row.name}: ${sample.failed} calls failed. ${sample.firstFailure}`)
    if (sample.exhausted > 0)
      throw new Error(`${row.name}: ${sample.exhausted} connections ran out of vouchers.`)
    await check?.(sample.answeredInAll)
    return { ...sample, forgedRefused: refused.length }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function describe(name: string, sample: Sample): string {
  const number = (value: number, width: number, digits = 0) => value.toFixed(digits).padStart(width)
  return [
    `  ${name.padEnd(18)}`,
    `${number(sample.rate, 7)} calls/s`,
    `p50 ${number(sample.p50, 7, 2)} ms`,
    `p99 ${number(sample.p99, 7, 2)} ms`,
    `server ${number(sample.serverBusy * 100, 4)} %`,
    `${number(sample.microsPerCall, 5)} µs/call`,
    `load ${number(sample.busy * 100, 4)} %`,
    `stolen ${number(sample.stolen * 100, 3)} %`,
    `calibration ${number(sample.calibrationMs, 5)} ms`,
  ].join('  ')
}
