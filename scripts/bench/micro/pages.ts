import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import Table from 'cli-table3'
import { openSqliteLedger } from '../../../gateway/ledger/sqlite/open-sqlite-ledger.ts'
import { openChannels, payCalls } from './paying.ts'

/**
 * `node scripts/bench/micro/pages.ts [CALLS] [CHANNELS]`: how many pages a call puts into the log, and of which tables and indexes they
 * are. Each page costs its copy into the log, a checksum, its copy into the file and its part of what the disk is waited for. The
 * ledger alone, with a voucher of its own for each call; every channel has been used before.
 */
const [calls = 8_192, count = 1_000] = process.argv.slice(2).map(Number)
const folder = mkdtempSync(join(tmpdir(), 'farthing-pages-'))
const path = join(folder, 'ledger.sqlite')
const ledger = await openSqliteLedger({ path, sync: 'beside' })
try {
  const options = { now: Date.now, answer: new Uint8Array(700) }
  const channels = await openChannels(ledger, count, calls * count, Date.now())
  await payCalls(ledger, channels, { ...options, calls: 3 * Math.max(count, calls) })
  await ledger.balances()
  // While somebody reads, the log is started over at most once, by the first who writes.
  const reader = new Database(path, { readonly: true })
  reader.exec('BEGIN')
  reader.prepare('SELECT count(*) FROM cursors').get()
  const before = readLog()
  await payCalls(ledger, channels, { ...options, calls })
  const after = readLog()
  const pages = after.salt === before.salt ? after.pages.slice(before.pages.length) : after.pages
  reader.exec('COMMIT')

  const trees = new Map<string, number>()
  const names = reader
    .prepare<[], { page: number; name: string; type: string }>(
      'SELECT pageno AS page, name, pagetype AS type FROM dbstat',
    )
    .all()
  const treeOf = new Map(names.map(({ page, name, type }) => [page, `${name}, ${type}`]))
  reader.close()
  for (const page of pages) {
    const tree = treeOf.get(page) ?? 'free by now (mostly the journal)'
    trees.set(tree, (trees.get(tree) ?? 0) + 1)
  }
  const table = new Table({ style: { head: [], border: [], compact: true }, colAligns: ['left', 'right'] })
  const perCall = (of: number) => (of / calls).toFixed(2)
  for (const [tree, written] of [...trees].sort(([, a], [, b]) => b - a).slice(0, 12))
    table.push([tree, perCall(written)])
  table.push(['all', perCall(pages.length)])
  process.stdout.write(`Pages a call, ${calls} calls on ${count} channels\n${table.toString()}\n`)
} finally {
  await ledger.close()
  rmSync(folder, { recursive: true })
}

/** Numbers of the pages that the log has, in its order, and what tells it from the one before it (SQLite, "WAL-mode File Format"). */
function readLog(): { salt: bigint; pages: number[] } {
  const log = readFileSync(`${path}-wal`)
  const [header, frameHeader, pageSize] = [32, 24, 4_096]
  const salt = log.readBigUInt64BE(16)
  const pages: number[] = []
  for (let at = header; at + frameHeader + pageSize <= log.length; at += frameHeader + pageSize) {
    if (log.readBigUInt64BE(at + 8) !== salt) break
    pages.push(log.readUInt32BE(at))
  }
  return { salt, pages }
}
