import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { document } from '../../scripts/bench/document.ts'
import type { Latency } from '../../scripts/bench/latency.ts'
import type { Result } from '../../scripts/bench/Result.ts'
import { medians, ratios } from '../../scripts/bench/report.ts'
import type { Sample } from '../../scripts/bench/Sample.ts'
import { isKept, targets } from '../../scripts/bench/targets.ts'

const folder = mkdtempSync(join(tmpdir(), 'farthing-document-'))
afterAll(() => rmSync(folder, { recursive: true }))

const sample = (rate: number) => ({ rate, p50: 1, p99: 2, microsPerCall: 100 }) as Sample
const samples = {
  channel: [sample(700)],
  limit: [sample(1_000)],
  free: [sample(1_000)],
  balance: [sample(500)],
}
const result: Result = {
  machine: { node: 'v24', cpu: 'a core', cores: 2, pinned: true },
  conditions: { rounds: 1, connections: 64, warmMs: 5_000, measureMs: 5_000, upstream: 'nginx' },
  medians: medians(samples),
  ratios: { ...ratios(samples), growth1M: null },
  ratiosByProcessor: ratios(samples, 'processor'),
  samples,
  skipped: { nginx: 'nginx is not installed' },
  latency: {},
  disk: null,
  growth: null,
  memory: null,
}

describe('targets', () => {
  test('default: a promise is kept, missed, or was not measured', () => {
    const kept = Object.fromEntries(targets(result).map((target) => [target.title, isKept(target)]))
    expect(kept).toMatchObject({
      'channel call over the prototype': true,
      'balance over free': false,
      'free over nginx': null,
      'heap for an idle channel': null,
    })
  })

  test('behavior: what is added at half load is the worst of the gateway, and no yardstick', () => {
    const added = (p99: number, isYardstick: boolean) =>
      ({ isYardstick, added: { p50: 0, p99, p999: p99 }, longestScavenge: p99 / 2 }) as Latency
    const latency = { free: added(2, false), balance: added(4, false), dispatch: added(9, true) }
    const found = targets({ ...result, latency }).map(({ title, found }) => [title, found])
    expect(found).toContainEqual(['p99 added at half load, the worst row', 4])
    expect(found).toContainEqual(['longest scavenge at half load', 2])
  })
})

describe('document', () => {
  test('default: what was found stands between its markers, and nothing else is touched', async () => {
    const path = join(folder, 'performance.md')
    const text = (inside: string) =>
      `Before.\n<!-- measured -->\n${inside}<!-- /measured -->\nBetween.\n<!-- profile -->\nkept\n<!-- /profile -->\nAfter.\n`
    writeFileSync(path, text('old\n'))
    await document(result, path)
    const first = readFileSync(path, 'utf8')
    expect(first).toContain('| free, proxied | 1,000 |')
    expect(first).toContain('| balance over free | ≥ 0.6 × | 0.50 × | **missed** |')
    expect(first).toContain('Left out: nginx, because nginx is not installed.')
    expect(first).not.toContain('old')
    expect(first).toMatch(/^Before\.[\s\S]*Between\.\n<!-- profile -->\nkept\n<!-- \/profile -->\nAfter\.\n$/)
    await document(result, path)
    expect(readFileSync(path, 'utf8')).toBe(first)
  })
})
