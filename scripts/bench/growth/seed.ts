import { createHash, randomBytes } from 'node:crypto'
import { renameSync, rmSync } from 'node:fs'
import Database from 'better-sqlite3'
import type { Address, Hex } from 'viem'
import * as Asset from '../../../gateway/ledger/Asset.ts'
import { openSqliteLedger } from '../../../gateway/ledger/sqlite/open-sqlite-ledger.ts'
import { hashOf } from '../../../gateway/ledger/sqlite/trail/Event.ts'
import type { ChainFacts } from '../chain.ts'
import { price, routes } from '../Gateway.ts'

/** A channel that is in the books and not on chain. */
export type Seeded = { id: Hex; payer: Address }

/** The ids of a seeded ledger's channels, in the order of its tables; each payer has every n-th one. */
export function seededChannels(count: number, payers: readonly Address[]): Seeded[] {
  const ids = Array.from({ length: count }, (_, index) => digest(`channel ${index}`)).sort()
  return ids.map((id, index) => ({ id, payer: payers[index % payers.length] ?? '0x' }))
}

/**
 * Writes a ledger with many channels and past calls straight into its tables, in bulk: every call was paid by a voucher of
 * its own and delivered, and every channel is settled. The laws hold, and `audit` says so. Only the trail differs from what
 * a gateway writes: an event states the transfers of ten calls at once. Needs about 2 kB of disk a call.
 */
export async function seedLedger(options: seedLedger.Options): Promise<void> {
  const { path, channels, past, chain, say } = options
  const working = `${path}.part`
  remove(working)
  const empty = await openSqliteLedger({ path: working })
  await empty.close()
  const database = new Database(working)
  try {
    // What must hold is checked by the audit afterwards; until then nothing of it can be lost that was ever relied on. In its usual,
    // defensive mode SQLite passes over `journal_mode = OFF` and says nothing: all would go into the log, and be copied.
    database.unsafeMode()
    for (const pragma of [
      'journal_mode = OFF',
      'synchronous = OFF',
      'cache_size = -2000000',
      'foreign_keys = OFF',
      'ignore_check_constraints = ON',
    ])
      database.pragma(pragma)
    const later = takeIndexes(database)
    database.exec('BEGIN')
    openChannels(database, options)
    const calls = writeCalls(database, options)
    settleChannels(database, options, calls)
    writeBalances(database, chain, past)
    database.exec('COMMIT')
    say(
      `  ${channels.length} channels and ${past} calls are written; making ${later.length} indexes and triggers`,
    )
    for (const statement of later) database.exec(statement)
  } finally {
    database.close()
  }
  renameSync(working, path)
}

export declare namespace seedLedger {
  type Options = {
    path: string
    channels: readonly Seeded[]
    /** Calls that the channels have paid for, shared out evenly. */
    past: number
    chain: ChainFacts
    /** About how many channels belong to the escrow in use; the rest to an earlier one. */
    live: number
    say(line: string): void
  }
}

/** Every index and trigger that can be made afterwards: many rows at once are sorted, not searched for. */
function takeIndexes(database: Database.Database): string[] {
  const all = database
    .prepare<[], { type: string; name: string; sql: string }>(
      `SELECT type, name, sql FROM sqlite_master WHERE type IN ('index', 'trigger') AND sql IS NOT NULL`,
    )
    .all()
  for (const { type, name } of all) database.exec(`DROP ${type} "${name}"`)
  return all.map(({ sql }) => sql)
}

const day = 86_400_000

/** How many calls each channel has made, by its place, and the last transfer that spent of it. */
type Calls = { counts: readonly number[]; lastSpends: readonly number[] }

function writeCalls(database: Database.Database, { channels, past, chain }: seedLedger.Options): Calls {
  const asset = Asset.of(chain.chainId, chain.token)
  const route = `GET ${routes.paid}`
  const earns = `revenue:${route}`
  const amount = price.toString()
  const payment = database.prepare(`
    INSERT INTO payments (id, family, repeat, fingerprint, rail, dialect, wallet, route, asset, amount, charged, earns,
      delivery, money, channel_id, cumulative, created_at, updated_at)
    VALUES (?, ?, 0, '${digest('call').slice(2, 45)}', 'channel', 'mpp', ?, '${route}', '${asset}', '${amount}', '${amount}',
      '${earns}', 'delivered', 'captured', ?, ?, ?, ?)`)
  const transfer = database.prepare(`
    INSERT INTO transfers (id, debit, credit, asset, amount, kind, payment_id, channel_id, created_at, previous)
    VALUES (?, ?, ?, '${asset}', '${amount}', ?, ?, ?, ?, ?)`)
  const settle = database.prepare(`
    INSERT INTO transfers (id, debit, credit, asset, amount, kind, channel_id, chain_id, tx, log_index, block, created_at)
    VALUES (?, 'treasury', ?, '${asset}', ?, 'settle', ?, ${chain.chainId}, ?, 0, 1, ?)`)
  const trail = createTrail(database)
  const start = Date.now() - 30 * day
  let id = 0
  let made = 0
  const counts = channels.map(() => 0)
  const lastSpends: number[] = []
  const order = channels.map((_, place) => place)
  for (let round = 1; made < past; round += 1)
    for (const place of inAnyOrder(order).slice(0, past - made)) {
      const channel = channels[place]
      if (channel === undefined) break
      const at = start + Math.floor((made / past) * 29 * day)
      const name = `pay_${at.toString(36).padStart(9, '0')}${nextRandom()}`
      const cumulative = (price * BigInt(round)).toString()
      const own = `channel:${channel.id}`
      const prepaid = `prepaid:${channel.id}`
      payment.run(name, `voucher:${channel.id}:${cumulative}`, channel.payer, channel.id, cumulative, at, at)
      transfer.run(id + 1, own, prepaid, 'voucher', null, channel.id, at, null)
      transfer.run(id + 2, prepaid, earns, 'capture', name, channel.id, at, lastSpends[place] ?? null)
      lastSpends[place] = id + 2
      counts[place] = round
      trail.state({ amount, asset, credit: prepaid, debit: own, id: id + 1, kind: 'voucher' }, at)
      trail.state({ amount, asset, credit: earns, debit: prepaid, id: id + 2, kind: 'capture' }, at)
      id += 2
      made += 1
    }
  channels.forEach((channel, place) => {
    const calls = counts[place] ?? 0
    if (calls === 0) return
    id += 1
    const [credit, at, transaction] = [`channel:${channel.id}`, start + 29 * day, digest(`settle ${place}`)]
    const paid = (price * BigInt(calls)).toString()
    settle.run(id, credit, paid, channel.id, transaction, at)
    const entry = { amount: paid, asset, credit, debit: 'treasury', id, kind: 'settle' }
    trail.state({ ...entry, log: 0, transaction }, at)
  })
  trail.end()
  return { counts, lastSpends }
}

/** Appends events, each with the transfers of ten calls. */
function createTrail(database: Database.Database) {
  const head = database
    .prepare<[], { seq: number; hash: string }>('SELECT seq, hash FROM events ORDER BY seq DESC')
    .get()
  const insert = database.prepare(
    'INSERT INTO events (seq, at, kind, subject, body, prev_hash, hash) VALUES (?, ?, ?, ?, ?, ?, ?)',
  )
  let seq = head?.seq ?? 0
  let last = head?.hash ?? ''
  let transfers: object[] = []
  let latest = 0
  const write = () => {
    if (transfers.length === 0) return
    seq += 1
    const event = {
      seq,
      at: latest,
      kind: 'seeded',
      subject: '',
      body: JSON.stringify({ transfers }),
      prev_hash: last,
    }
    const hash = hashOf(event)
    insert.run(seq, latest, event.kind, event.subject, event.body, last, hash)
    last = hash
    transfers = []
  }
  return {
    /** Members in the order of RFC 8785, as the trail has them. */
    state(transfer: object, at: number) {
      latest = at
      transfers.push(transfer)
      if (transfers.length === 20) write()
    },
    end: write,
  }
}

/** As a gateway finds them: of nothing spent. What a call makes of a row comes later, and needs room beside it. */
function openChannels(database: Database.Database, { channels, chain, live }: seedLedger.Options): void {
  const insert = database.prepare(`
    INSERT INTO channels (id, chain_id, escrow, payer, payee, token, asset, signer, deposit, settled, accepted, spent,
      finalized, opened_at, last_used_at)
    VALUES (?, ${chain.chainId}, ?, ?, '${chain.payee}', '${chain.token}', '${Asset.of(chain.chainId, chain.token)}', ?,
      '10000000000', '0', '0', '0', 0, ?, ?)`)
  const opened = Date.now() - 31 * day
  for (const { id, payer } of inAnyOrder(channels)) {
    const escrow = isLive(id, live / channels.length) ? chain.escrow : earlierEscrow
    insert.run(id, escrow, payer, payer, opened, opened)
  }
}

/** What all calls have made of them. */
function settleChannels(
  database: Database.Database,
  { channels }: seedLedger.Options,
  { counts, lastSpends }: Calls,
): void {
  const signature = `0x${'11'.repeat(65)}`
  const update = database.prepare(`
    UPDATE channels SET settled = ?, accepted = ?, spent = ?, vouchers = ?, last_spend = ?, last_used_at = ? WHERE id = ?`)
  const used = Date.now() - day
  for (const place of inAnyOrder(channels.map((_, index) => index))) {
    const id = channels[place]?.id
    const calls = counts[place] ?? 0
    if (id === undefined || calls === 0) continue
    const spent = (price * BigInt(calls)).toString()
    update.run(spent, spent, spent, JSON.stringify([[spent, signature]]), lastSpends[place] ?? null, used, id)
  }
}

/** Calls come from any channel after any other. A tree that is filled in the order of its keys is packed, and each call would part a page. */
function inAnyOrder<T>(of: readonly T[]): T[] {
  const order = [...of]
  for (let left = order.length - 1; left > 0; left -= 1) {
    const other = Math.floor(Math.random() * (left + 1))
    const [a, b] = [order[left], order[other]] as [T, T]
    order[left] = b
    order[other] = a
  }
  return order
}

/** Which channels are live follows from their ids: about as many as asked for, anywhere among all. */
export function isLive(id: Hex, share: number): boolean {
  return Number.parseInt(id.slice(-8), 16) < share * 2 ** 32
}

const earlierEscrow = `0x${'e5'.repeat(20)}`

function writeBalances(database: Database.Database, chain: ChainFacts, calls: number): void {
  const asset = Asset.of(chain.chainId, chain.token)
  const account = database.prepare(
    `INSERT INTO accounts (name, asset, posted, pending) VALUES (?, '${asset}', ?, '0')`,
  )
  if (calls === 0) return
  const earned = (price * BigInt(calls)).toString()
  account.run(`revenue:GET ${routes.paid}`, earned)
  account.run('treasury', `-${earned}`)
}

const digest = (text: string): Hex =>
  `0x${createHash('sha256').update(`farthing bench ${text}`).digest('hex')}`

let pool = Buffer.alloc(0)
function nextRandom(): string {
  if (pool.byteLength < 16) pool = randomBytes(1 << 20)
  const text = pool.toString('base64url', 0, 16)
  pool = pool.subarray(16)
  return text
}

function remove(path: string): void {
  for (const suffix of ['', '-wal', '-shm', '-journal']) rmSync(path + suffix, { force: true })
}
