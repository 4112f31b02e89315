import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import Table from 'cli-table3'
import { paymentId } from '../../../gateway/ledger/payment-id.ts'
import { openSqliteLedger } from '../../../gateway/ledger/sqlite/open-sqlite-ledger.ts'
import { measure } from './measure.ts'
import { openChannels, payCalls, settle } from './paying.ts'

/**
 * `node scripts/bench/micro/history.ts [CALLS] [CHANNELS]`: what past calls take on the disk before and after they are rolled up, and
 * what that costs. The ledger alone, with a voucher of its own for each call.
 */
const [calls = 50_000, count = 1_000] = process.argv.slice(2).map(Number)

const folder = mkdtempSync(join(tmpdir(), 'farthing-history-'))
const path = join(folder, 'ledger.sqlite')
let now = Date.now()
const ledger = await openSqliteLedger({ path, sync: 'beside', clock: { now: () => now } })
try {
  const channels = await openChannels(ledger, count, calls, now)
  const ids = await payCalls(ledger, channels, {
    calls,
    now: () => {
      now += 20
      return now
    },
  })
  await settle(ledger, channels, now)
  const state = async () => ({ bytes: bytesInUse(), audit: await audited(), ...(await lookUps(ids)) })
  const before = await state()
  const parts = await rollUp()
  const after = await state()
  const table = new Table({
    style: { head: [], border: [], compact: true },
    colAligns: ['left', 'right', 'right'],
  })
  const both = (name: string, of: (state: typeof before) => number) =>
    table.push([name, of(before).toFixed(0), of(after).toFixed(0)])
  table.push(['', 'in the tables', 'rolled up'])
  both('bytes a call', ({ bytes }) => bytes / calls)
  both('audit, µs a call', ({ audit }) => (audit * 1_000) / calls)
  both('found by its id, µs', ({ found }) => found)
  both('an id that is none, µs', ({ none }) => none)
  table.push(
    ['moved, µs of processor time a call', '', parts.perCall.toFixed(0)],
    ['a part, ms: median, longest', '', `${parts.median.toFixed(1)}, ${parts.longest.toFixed(1)}`],
  )
  process.stdout.write(`${calls} calls on ${count} channels\n${table.toString()}\n`)
} finally {
  await ledger.close()
  rmSync(folder, { recursive: true })
}

async function rollUp(): Promise<{ perCall: number; median: number; longest: number }> {
  now += 86_400_000
  const parts: number[] = []
  const cpu = process.cpuUsage()
  for (let more = true; more; ) {
    const began = performance.now()
    more = await ledger.rollUp(now)
    parts.push(performance.now() - began)
  }
  const { user, system } = process.cpuUsage(cpu)
  parts.sort((a, b) => a - b)
  return {
    perCall: (user + system) / calls,
    median: parts[parts.length >> 1] ?? 0,
    longest: parts.at(-1) ?? 0,
  }
}

/** Microseconds of processor time. */
async function lookUps(ids: readonly string[]): Promise<{ found: number; none: number }> {
  const any = () => ids[Math.floor(Math.random() * ids.length)] ?? ''
  const [found, none] = await measure({
    found: async () => (await ledger.payment({ id: any() })) ?? raise(),
    none: () => ledger.payment({ id: paymentId(now) }),
  })
  return { found: found?.median ?? 0, none: none?.median ?? 0 }
}

/** Milliseconds. Everything must hold. */
async function audited(): Promise<number> {
  const began = performance.now()
  const { balanced, trail } = await ledger.audit()
  if (!balanced || !trail.holds) raise()
  return performance.now() - began
}

/** Of the file, without pages that are free. */
function bytesInUse(): number {
  const database = new Database(path, { readonly: true })
  const pragma = (name: string) => Number(database.pragma(name, { simple: true }))
  const used = (pragma('page_count') - pragma('freelist_count')) * pragma('page_size')
  database.close()
  return used
}

function raise(): never {
  throw new Error('The books are not what was written.')
}
