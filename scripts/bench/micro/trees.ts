import { randomInt } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Table from 'cli-table3'
import { connect } from '../../../gateway/ledger/sqlite/connect.ts'
import { digest } from './paying.ts'

/**
 * `node scripts/bench/micro/trees.ts [CHANNELS] [CALLS]`: what SQLite alone takes for the least that a call writes at a place of its own:
 * its channel's row and its payment's key, 256 calls a transaction, channels taken at random. No other row, rule, journal or
 * trail: what a ledger in B-trees takes more on many channels than on a thousand is at least this.
 */
const [many = 1_000_000, calls = 20_480] = process.argv.slice(2).map(Number)
const few = Math.min(1_000, many)
const group = 256

const folder = mkdtempSync(join(tmpdir(), 'farthing-trees-'))
try {
  const sizes = [few, many].map((channels) => ({
    channels,
    books: openBooks(channels),
    samples: [] as Cost[],
  }))
  for (let round = 0; round < 4; round++)
    for (const { books, samples } of round % 2 === 0 ? sizes : sizes.toReversed()) samples.push(books.pay())
  const table = new Table({
    head: ['channels', 'processor, µs a call', 'all, µs a call'],
    style: { head: [], border: [], compact: true },
    colAligns: ['right', 'right', 'right'],
  })
  const median = (of: number[]) => of.toSorted((a, b) => a - b)[of.length >> 1] ?? 0
  // The first round fills the caches.
  for (const { channels, books, samples } of sizes) {
    const warm = samples.slice(1)
    const [processor, all] = [warm.map((one) => one.processor), warm.map((one) => one.all)]
    table.push([channels.toLocaleString('en'), median(processor).toFixed(1), median(all).toFixed(1)])
    books.close()
  }
  process.stdout.write(`${table.toString()}\n`)
} finally {
  rmSync(folder, { recursive: true })
}

/** Books of which a call writes two rows, with as many past calls as channels. */
function openBooks(channels: number) {
  const database = connect(join(folder, `${channels}.sqlite`), Date.now(), 5_000)
  // The disk is waited for beside the loop in a gateway, and not measured here; the log is copied with it, as there.
  database.pragma('synchronous = NORMAL')
  database.exec(`
    CREATE TABLE bare_channels (id TEXT NOT NULL PRIMARY KEY, body TEXT NOT NULL);
    CREATE TABLE bare_keys (id INTEGER PRIMARY KEY, key TEXT NOT NULL)`)
  const ids = Array.from({ length: channels }, (_, index) => digest(`channel ${index}`))
  const open = database.prepare('INSERT INTO bare_channels (id, body) VALUES (?, ?)')
  const add = database.prepare('INSERT INTO bare_keys (key) VALUES (?)')
  const key = (id: string, cumulative: number) => `voucher:${id}:${cumulative}`
  database.transaction(() => {
    for (const id of ids) {
      open.run(id, 'x'.repeat(600))
      add.run(key(id, 1_000))
    }
  })()
  database.exec('CREATE UNIQUE INDEX bare_keys_by_key ON bare_keys (key)')
  const change = database.prepare('UPDATE bare_channels SET body = ? WHERE id = ?')
  let cumulative = 1_000
  const payTogether = database.transaction((body: string) => {
    for (let n = 0; n < group; n++) {
      const id = ids[randomInt(channels)] ?? ''
      cumulative += 1
      change.run(body, id)
      add.run(key(id, cumulative))
    }
  })
  return {
    pay(): Cost {
      const [began, cpu] = [performance.now(), process.cpuUsage()]
      for (let paid = 0; paid < calls; paid += group)
        payTogether.immediate(String(cumulative).padEnd(600, 'y'))
      const { user, system } = process.cpuUsage(cpu)
      return { processor: (user + system) / calls, all: ((performance.now() - began) * 1_000) / calls }
    },
    close: () => database.close(),
  }
}

type Cost = { processor: number; all: number }
