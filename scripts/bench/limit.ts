import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { keccak_256 } from '@noble/hashes/sha3.js'
import Database from 'better-sqlite3'
import secp256k1 from 'secp256k1'
import type { Address, Hex } from 'viem'
import { createRelay } from './servers/relay.ts'
import { createVoucherDigest } from './voucher-digest.ts'

/**
 * `limit.ts JOB.json`: how fast a paid call by voucher could be on this machine with this runtime. It does what cannot be
 * left out: reads the header, recovers the signer, checks the amount, writes channel and call durably (one transaction
 * and one fsync for all that came in one turn), forwards. No router, no offers, no policies, no double entry, no receipts,
 * no stored answers, one commit a call: a yardstick, not a gateway.
 */
const [path = ''] = process.argv.slice(2)
const job = JSON.parse(readFileSync(path, 'utf8')) as Job
const price = BigInt(job.price)
const digest = createVoucherDigest({ chainId: job.chainId, escrow: job.escrow })
const relay = createRelay(job.upstream)

type Known = { row: number; signer: string; cumulative: bigint }
const channels = new Map<string, Known>(
  job.channels.map(({ id, signer, cumulative }, row) => [
    id,
    { row, signer: signer.slice(2).toLowerCase(), cumulative: BigInt(cumulative) },
  ]),
)

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
for (const { row, cumulative } of channels.values()) insert.run(row, cumulative)
commit.run()

type Accepted = { channel: Known; cumulative: bigint; signature: Buffer; done(): void }
let queue: Accepted[] = []

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

/** What the header buys; null when it buys nothing. */
function accept(header: string | undefined): Omit<Accepted, 'done'> | null {
  if (header?.startsWith('Payment ') !== true) return null
  const { payload } = JSON.parse(Buffer.from(header.slice(8), 'base64url').toString()) as Credential
  const channel = channels.get(payload.channelId)
  if (channel === undefined) return null
  const cumulative = BigInt(payload.cumulativeAmount)
  if (cumulative < channel.cumulative + price) return null
  const signature = Buffer.from(payload.signature.slice(2), 'hex')
  const key = secp256k1.ecdsaRecover(
    signature.subarray(0, 64),
    (signature[64] ?? 27) - 27,
    digest(payload.channelId, cumulative),
    false,
  )
  const signer = Buffer.from(keccak_256(key.subarray(1)).subarray(12)).toString('hex')
  if (signer !== channel.signer) return null
  channel.cumulative = cumulative
  return { channel, cumulative, signature }
}

createServer((request, response) => {
  const accepted = accept(request.headers.authorization)
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

type Credential = { payload: { channelId: Hex; cumulativeAmount: string; signature: Hex } }

/** What the prototype is told. Amounts in base units as decimal digits. */
export type Job = {
  port: number
  upstream: number
  database: string
  chainId: number
  escrow: Address
  price: string
  channels: { id: Hex; signer: Address; cumulative: string }[]
}
