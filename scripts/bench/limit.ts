import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import Database from 'better-sqlite3'
import { createRelay } from './servers/relay.ts'
import { type Accepted, type Channels, createTill } from './servers/till.ts'

/**
 * `limit.ts JOB.json`: how fast a paid call by voucher could be on this machine with this runtime. It does what cannot be
 * left out: reads the header, recovers the signer, checks the amount, writes channel and call durably (one transaction
 * and one fsync for all that came in one turn), forwards. No router, no offers, no policies, no double entry, no receipts,
 * no stored answers, one commit a call: a yardstick, not a gateway.
 */
const [path = ''] = process.argv.slice(2)
const job = JSON.parse(readFileSync(path, 'utf8')) as Job
const till = createTill(job)
const relay = createRelay(job.upstream)

const database = new Database(job.database)
database.pragma('journal_mode = WAL')
database.pragma('synchronous = FULL')
database.exec(`
  CREATE TABLE channels (id INTEGER PRIMARY KEY, cumulative INTEGER NOT NULL, signature BLOB);
  CREATE TABLE calls (id INTEGER PRIMARY KEY, channel INTEGER NOT NULL, at INTEGER NOT NULL, cumulative INTEGER NOT NULL);
`)
const begin = database.prepare('BEGIN IMMEDIATE')
const commit = database.prepare('COMMIT')
const insert = database.prepare('INSERT INTO channels VALUES (?, ?, NULL)')
const raise = database.prepare('UPDATE channels SET cumulative = ?, signature = ? WHERE id = ?')
const record = database.prepare('INSERT INTO calls (channel, at, cumulative) VALUES (?, ?, ?)')
begin.run()
for (const { row, cumulative } of till.channels) insert.run(row, cumulative)
commit.run()

let queue: (Accepted & { done(): void })[] = []

function flush(): void {
  const group = queue
  queue = []
  const now = Date.now()
  begin.run()
  for (const { channel, cumulative, signature } of group) {
    raise.run(cumulative, signature, channel.row)
    record.run(channel.row, now, cumulative)
  }
  commit.run()
  for (const { done } of group) done()
}

createServer((request, response) => {
  const accepted = till.accept(request.headers.authorization)
  if (accepted === null) {
    response.writeHead(402)
    response.end()
    return
  }
  if (queue.length === 0) setImmediate(flush)
  queue.push({ ...accepted, done: () => relay(request.url ?? '/', response) })
}).listen(job.port, '127.0.0.1', () => process.stdout.write('ready\n'))
process.on('SIGTERM', () => {
  database.close()
  process.exit(0)
})

/** What the prototype is told. Amounts in base units as decimal digits. */
export type Job = Channels & { port: number; upstream: number; database: string }
