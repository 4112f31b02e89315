import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { beforeAll, describe, expect, test } from 'vitest'

/** `./run bench --quick --json`, as one process: that it runs and says what it promises. It times nothing. */

const root = join(import.meta.dirname, '..', '..')
const rows = [
  'free',
  'channel',
  'channel-repeated',
  'balance',
  'free-post',
  'balance-post',
  'dispatch',
  'limit',
  'limit-kept',
  'limit-balance',
]
type Result = Record<string, Record<string, unknown>> & { samples: Record<string, Record<string, number>[]> }
let result: Result

beforeAll(async () => {
  const only = [...rows.map((name) => `^${name}$`), 'latency'].join('|')
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['scripts/bench.ts', '--quick', '--json', '--only', only],
    { cwd: root, maxBuffer: 1e8 },
  )
  result = JSON.parse(stdout) as Result
}, 240_000)

describe('bench', () => {
  test('default: one JSON line with medians, every sample, and the ratios that are promised', () => {
    expect(Object.keys(result)).toEqual([
      'machine',
      'conditions',
      'medians',
      'ratios',
      'ratiosByProcessor',
      'samples',
      'skipped',
      'latency',
      'disk',
      'growth',
      'memory',
    ])
    expect(Object.keys(result.ratios ?? {})).toEqual([
      'vsX402Batch',
      'vsMppxCharge',
      'vsLimit',
      'balanceVsFree',
      'repeatedVoucherVsFree',
      'freeVsDispatch',
      'freeVsNginx',
      'vsLimitKept',
      'balanceVsLimitKept',
      'limitKeptVsFree',
      'growth1M',
    ])
    expect(Object.keys(result.samples)).toEqual(rows)
    expect(Object.keys(result.latency ?? {})).toEqual([
      ...['free', 'channel', 'channel-repeated', 'balance'],
      ...['dispatch', 'limit-kept', 'limit-balance'],
    ])
    for (const samples of Object.values(result.samples)) expect(samples).toHaveLength(1)
  })

  test('behavior: every measured call was answered, and paid calls are in the books', () => {
    // The harness itself compares the answers with what the ledger says was earned, and ends with an error otherwise.
    for (const samples of Object.values(result.samples))
      for (const { answeredInAll, failed, exhausted } of samples)
        expect({ failed, exhausted, some: Number(answeredInAll) > 0 }).toEqual({
          failed: 0,
          exhausted: 0,
          some: true,
        })
  })

  test('error: a payment that somebody else signed was refused by everything that sells, before it was measured', () => {
    for (const name of ['channel', 'channel-repeated', 'balance', 'limit', 'limit-kept'])
      for (const { forgedRefused } of result.samples[name] ?? []) expect(forgedRefused).toBe(1)
  })
})
