import { copyFileSync, existsSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import Database from 'better-sqlite3'
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import * as Account from '../../../gateway/ledger/Account.ts'
import { LedgerIntegrityError, LedgerUnavailableError } from '../../../gateway/ledger/errors.ts'
import type { Ledger } from '../../../gateway/ledger/Ledger.ts'
import { Books } from '../../../gateway/ledger/sqlite/Books.ts'
import { GroupCommit } from '../../../gateway/ledger/sqlite/group-commit.ts'
import { JournalNotEmptyError, migrate, migrations } from '../../../gateway/ledger/sqlite/migrate.ts'
import { openSqliteLedger } from '../../../gateway/ledger/sqlite/open-sqlite-ledger.ts'
import { balanceOf, setBalance } from '../../../gateway/ledger/sqlite/working-set/balances.ts'
import { booksOf, setBooks } from '../../../gateway/ledger/sqlite/working-set/channels.ts'
import {
  alice,
  asset,
  balanceClaim,
  bob,
  chainRef,
  channelClaim,
  channelId,
  chargeClaim,
  openChannel,
  revenue,
  testClock,
  topUp,
  violations,
} from '../fixtures.ts'
import { testFolder } from '../test-folder.ts'
import { countRows } from './count-rows.ts'

/** Nothing is written to a table before somebody reads tables. */
const fold = { groups: Number.POSITIVE_INFINITY, most: 1_000_000, idleMs: 0 }
const price = { amount: 10n }

describe('the journal', () => {
  let path: string
  let clock: ReturnType<typeof testClock>
  let ledger: Ledger
  beforeEach(async () => {
    path = join(testFolder(), 'ledger.sqlite')
    clock = testClock()
    ledger = await open(path)
    await topUp(ledger, alice, 1_000n)
    await openChannel(ledger)
    // Whether anybody is in debt is asked once, and what is unsettled is summed once.
    const another = `0x${'c2'.repeat(32)}` as const
    await openChannel(ledger, 1_000n, another)
    await ledger.claim(channelClaim('first', 10n, { ...price, channelId: another }))
    await ledger.void('first', 'not wanted')
    await ledger.balance(revenue, asset)
  })

  async function open(file: string, more: Partial<openSqliteLedger.Options> = {}): Promise<Ledger> {
    const opened = await openSqliteLedger({ path: file, clock, fold, ...more })
    onTestFinished(() => opened.close())
    return opened
  }

  /** The files as a process that dies now leaves them. */
  function died(): string {
    const left = join(testFolder(), 'ledger.sqlite')
    for (const suffix of ['', '-wal'])
      if (existsSync(path + suffix)) copyFileSync(path + suffix, left + suffix)
    return left
  }

  /** What is counted of answers, once all that waited is in the tables. */
  async function bytesOf(one: Ledger, file: string): Promise<number | undefined> {
    await one.balances()
    const database = new Database(file, { readonly: true })
    try {
      return database.prepare<[], { bytes: number }>('SELECT bytes FROM answers_stored').get()?.bytes
    } finally {
      database.close()
    }
  }

  const rowsOf = (table: string, file = path) => countRows(table, file)

  /** One call by balance and one by channel that were served, one that is held. */
  async function callsOfThree(): Promise<void> {
    await Promise.all([
      ledger.claim(balanceClaim('served', price)),
      ledger.claim(channelClaim('by-channel', 10n, price)),
      ledger.claim(balanceClaim('held', price)),
    ])
    clock.advance(5)
    await Promise.all([
      ledger.capture({ paymentId: 'served', amount: 7n, answer: { sealed: new Uint8Array([1, 2, 255]) } }),
      ledger.capture({ paymentId: 'by-channel', amount: 10n, answer: { sealed: new Uint8Array([3]) } }),
    ])
  }

  test('default: a group is one row, and its rows come to their tables when somebody reads them', async () => {
    const payments = rowsOf('payments')
    await callsOfThree()
    expect([rowsOf('journal'), rowsOf('payments')]).toEqual([2, payments])
    expect(await ledger.payment({ id: 'served' })).toMatchObject({ delivery: 'delivered', charged: 7n })
    expect(rowsOf('payments')).toBe(payments)
    expect(await ledger.balance(Account.wallet(alice), asset)).toEqual({ posted: 993n, available: 983n })
    expect([rowsOf('journal'), rowsOf('payments')]).toEqual([0, payments + 3])
    expect(await violations(ledger)).toEqual([])
  })

  test('behavior: a process that dies leaves everything it acknowledged (durable before it is relied on)', async () => {
    await callsOfThree()
    const after = await open(died())
    expect(await after.payment({ id: 'served' })).toEqual(await ledger.payment({ id: 'served' }))
    expect(await after.payment({ key: `voucher:${channelId}:10` })).toEqual(
      await ledger.payment({ id: 'by-channel' }),
    )
    expect(await after.answer('served')).toEqual({ sealed: new Uint8Array([1, 2, 255]) })
    expect(await after.channel(channelId)).toEqual(await ledger.channel(channelId))
    expect(await after.channel(channelId)).toMatchObject({ accepted: 10n, spent: 10n, reserved: 0n })
    expect((await after.openPayments(9)).map(({ id }) => id)).toEqual(['held'])
    expect(await after.balance(Account.wallet(alice), asset)).toEqual({ posted: 993n, available: 983n })
    expect(await violations(after)).toEqual([])
  })

  test('behavior: one that dies again and again while it is brought into the tables ends where it would have', async () => {
    await callsOfThree()
    const left = died()
    const reader = new Database(left)
    // Everything but the last step of it.
    reader.exec('BEGIN IMMEDIATE')
    reader.exec("INSERT INTO accounts VALUES ('wallet:0xdead', 'asset', '1', '0')")
    reader.close()
    for (let again = 0; again < 2; again++) {
      const after = await open(left)
      expect(await violations(after)).toEqual([])
      expect((await after.balance(revenue, asset)).posted).toBe(17n)
    }
  })

  test('behavior: what a dead process held is released, and its key may be used again', async () => {
    await callsOfThree()
    const after = await open(died())
    await after.void('held', 'it died')
    expect(await after.claim(balanceClaim('held-again', { ...price, key: 'balance:held' }))).toMatchObject({
      outcome: 'fresh',
      payment: { id: 'held' },
    })
    expect(await violations(after)).toEqual([])
  })

  test('error: a key that only the journal has is used, for the same call and for another one (spent once)', async () => {
    await callsOfThree()
    const [same, other] = await Promise.all([
      ledger.claim(balanceClaim('copy', { ...price, key: 'balance:served' })),
      ledger.claim(balanceClaim('thief', { ...price, key: 'balance:served', fingerprint: 'another call' })),
    ])
    expect([same, other]).toMatchObject([
      { outcome: 'replayed', payment: { id: 'served', delivery: 'delivered' } },
      { outcome: 'conflict' },
    ])
    expect(await ledger.claim(channelClaim('late', 10n, price))).toMatchObject({
      outcome: 'replayed',
      payment: { id: 'by-channel' },
    })
    expect(await violations(ledger)).toEqual([])
  })

  test('error: a payment that is there is not written over (its money would be nobody’s)', async () => {
    await callsOfThree()
    await expect(ledger.claim(balanceClaim('served', { ...price, key: 'balance:x' }))).rejects.toThrow(
      LedgerIntegrityError,
    )
    expect(await violations(ledger)).toEqual([])
  })

  test('error: an id is taken once, by a payment that waits, is written, or is of another process (writing would stop for all)', async () => {
    let keys = 0
    /** One that has ended is not remembered once it is written. These ids come after all that are there. */
    const endOne = async (id: string, of = ledger) => {
      await of.claim(balanceClaim(id, { ...price, key: `key:${keys++}` }))
      await of.void(id, 'not wanted')
    }
    await endOne('x5')
    await ledger.balances()
    for (const id of ['x5', 'first']) await expect(endOne(id)).rejects.toThrow(LedgerIntegrityError)
    await endOne('x3')
    await expect(endOne('x3')).rejects.toThrow(LedgerIntegrityError)
    const another = await open(path)
    await endOne('x9', another)
    await another.balances()
    await expect(endOne('x9')).rejects.toThrow(LedgerIntegrityError)
    await endOne('x8')
    expect(await violations(ledger)).toEqual([])
    expect(rowsOf("payments WHERE id GLOB 'x*'")).toBe(4)
  })

  test('behavior: repeats of one voucher go on where the journal has the last (one call for each)', async () => {
    const voucher = (id: string) => channelClaim(id, 50n, { ...price, fingerprint: id })
    const first = await ledger.claim(voucher('a'))
    const rest = await Promise.all(['b', 'c'].map((id) => ledger.claim(voucher(id))))
    const last = await ledger.claim(voucher('d'))
    expect([first, ...rest, last].map((one) => one.outcome)).toEqual(['fresh', 'fresh', 'fresh', 'fresh'])
    const after = await open(died())
    expect(await after.payment({ key: `voucher:${channelId}:50#3` })).toMatchObject({ id: 'd' })
    expect(await after.claim(voucher('e'))).toMatchObject({ outcome: 'fresh' })
    expect(await after.claim({ ...voucher('c'), id: 'c again' })).toMatchObject({
      outcome: 'replayed',
      payment: { id: 'c' },
    })
    expect(await violations(after)).toEqual([])
  })

  test('error: credit that one gateway has in its journal is not spent at another one', async () => {
    const two = await open(path)
    const claims = await Promise.all([
      ledger.claim(balanceClaim('a', { amount: 1_000n })),
      two.claim(balanceClaim('b', { amount: 1_000n })),
    ])
    expect(claims.map(({ outcome }) => outcome).sort()).toEqual(['fresh', 'insufficient'])
    expect(await two.payment({ id: 'a' })).toEqual(await ledger.payment({ id: 'a' }))
    expect(await two.balance(Account.wallet(alice), asset)).toEqual({ posted: 1_000n, available: 0n })
    expect(await violations(ledger)).toEqual([])
  })

  test('behavior: what is looked up without a snapshot is what another gateway has in its journal (no old receipt, no old payment)', async () => {
    const two = await open(path)
    await two.channel(channelId)
    await callsOfThree()
    await setImmediate()
    expect(await two.channel(channelId)).toMatchObject({ accepted: 10n, spent: 10n })
    clock.advance(1)
    await ledger.claim(balanceClaim('later', price))
    await setImmediate()
    expect(await two.payment({ key: 'balance:later' })).toMatchObject({ id: 'later', money: 'held' })
  })

  test('behavior: two gateways that write in turns lose nothing of each other', async () => {
    const both = [ledger, await open(path)]
    for (let round = 0; round < 20; round++)
      await Promise.all(
        both.map(async (each, who) => {
          const id = `${round}-${who}`
          await each.claim(balanceClaim(id, price))
          await each.capture({ paymentId: id, amount: 5n, complete: true })
        }),
      )
    for (const each of both) {
      expect((await each.balance(revenue, asset)).posted).toBe(200n)
      expect(await violations(each)).toEqual([])
    }
  })

  test('behavior: an operation that fails takes its own changes back, and nobody else’s', async () => {
    const outcomes = await Promise.allSettled([
      ledger.claim(balanceClaim('a', price)),
      ledger.capture({ paymentId: 'nobody', amount: 1n }),
      ledger.claim(balanceClaim('b', price)),
      ledger.claim(balanceClaim('b', { ...price, key: 'balance:b2' })),
    ])
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled', 'rejected'])
    const after = await open(died())
    expect((await after.openPayments(9)).map(({ id }) => id)).toEqual(['a', 'b'])
    expect(await violations(after)).toEqual([])
  })

  test('error: what the schema would refuse fails alone and at once, though its table is not written yet (no wallet below zero)', async () => {
    const database = new Database(path)
    database.pragma('foreign_keys = ON')
    onTestFinished(() => void database.close())
    const books = new Books(database, clock, fold)
    const commits = new GroupCommit(database, { rows: books.rows })
    const [rich, poor] = [Account.wallet(alice), Account.wallet(bob)]
    const set = (account: Account.Account, posted: bigint) =>
      commits.run(() => setBalance(books, account, asset, { posted, pending: 0n }))
    const spent = commits.run(() => {
      const known = booksOf(books, channelId)
      if (known !== null) setBooks(books, { ...known, channel: { ...known.channel, spent: 1n } })
    })
    const outcomes = await Promise.allSettled([set(rich, 5n), set(poor, -1n), spent, set(poor, 7n)])
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'rejected', 'fulfilled'])
    expect([rich, poor].map((account) => balanceOf(books, account, asset).posted)).toEqual([5n, 7n])
    expect(booksOf(books, channelId)?.channel.spent).toBe(0n)
  })

  test('error: a payment that is released has no answer left, whichever rail it was on (nobody is given what was not paid)', async () => {
    await ledger.claim(balanceClaim('a', price))
    await ledger.storeAnswer('a', { sealed: new Uint8Array([1]) })
    await ledger.void('a', 'it broke off')
    expect(await ledger.answer('a')).toBeNull()
    expect(await (await open(died())).answer('a')).toBeNull()
  })

  test('behavior: bytes of answers are counted once: a new one, one that replaces another, those that a process left behind (what is kept stays bounded)', async () => {
    const answer = (bytes: number) => ({ sealed: new Uint8Array(bytes) })
    for (const id of ['a', 'b', 'c', 'd']) await ledger.claim(balanceClaim(id, price))
    await ledger.storeAnswer('a', answer(100))
    await ledger.storeAnswer('b', answer(20))
    expect([await bytesOf(ledger, path), rowsOf('answers')]).toEqual([120, 2])
    await ledger.storeAnswer('a', answer(3))
    await ledger.storeAnswer('c', answer(50))
    await ledger.storeAnswer('c', answer(7))
    await ledger.void('b', 'it broke off')
    await ledger.storeAnswer('d', answer(400))
    const left = died()
    for (const [one, file] of [
      [ledger, path],
      [await open(left), left],
    ] as const)
      expect([await bytesOf(one, file), rowsOf('answers', file)]).toEqual([410, 3])
  })

  test('behavior: one that reads tables and then fails does not undo what it had written for its neighbours', async () => {
    const ref = chainRef()
    await ledger.claim(chargeClaim('paid', price))
    await ledger.settled({ paymentId: 'paid', ref, deliver: 'delivered' })
    await ledger.claim(chargeClaim('again', price))
    const outcomes = await Promise.allSettled([
      ledger.claim(balanceClaim('before', price)),
      ledger.settled({ paymentId: 'again', ref, deliver: 'delivered' }),
      ledger.claim(balanceClaim('after', price)),
    ])
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
    const after = await open(died())
    expect((await after.openPayments(9)).map(({ id }) => id).sort()).toEqual(['after', 'again', 'before'])
    expect(await violations(after)).toEqual([])
    expect(await violations(ledger)).toEqual([])
  })

  test('behavior: what refers to a payment finds its row: a charge that is in doubt, an answer, a settlement', async () => {
    await ledger.claim(chargeClaim('charge', { ...price, wallet: bob }))
    await ledger.settling({ paymentId: 'charge', answer: { sealed: new Uint8Array([9]) } })
    await ledger.unknown('charge', 'no answer')
    const after = await open(died())
    expect(await after.doubts.find({ wallet: bob, fingerprint: 'call', key: 'charge:later' })).toMatchObject({
      payment: { id: 'charge', money: 'unknown' },
    })
    expect(await after.answer('charge')).toEqual({ sealed: new Uint8Array([9]) })
    expect(await violations(after)).toEqual([])
  })

  test('error: another process holds the lock: nothing is read past what waits, and all of it is there afterwards', async () => {
    const file = join(testFolder(), 'ledger.sqlite')
    const impatient = await open(file, { busyTimeout: 1 })
    await topUp(impatient, alice, 1_000n)
    await impatient.claim(balanceClaim('waits', price))
    expect(rowsOf('journal', file)).toBe(1)
    const other = new Database(file)
    other.exec('BEGIN IMMEDIATE')
    const read = () => impatient.balance(Account.wallet(alice), asset)
    await expect(read()).rejects.toBeInstanceOf(LedgerUnavailableError)
    other.exec('ROLLBACK')
    other.close()
    expect(await read()).toEqual({ posted: 1_000n, available: 990n })
  })

  test('behavior: an audit beside the gateway reads the tables, which are the books of a moment ago', async () => {
    await callsOfThree()
    const beside = await open(path, { readonly: true })
    expect(await violations(beside)).toEqual([])
    expect(await beside.payment({ id: 'served' })).toBeNull()
    expect((await beside.audit()).waiting).toBe(2)
    expect((await ledger.audit()).waiting).toBe(0)
  })

  test('error: a newer schema is not made under a journal that the older code wrote', async () => {
    await callsOfThree()
    const left = died()
    const folder = testFolder()
    const names = new Database(left, { readonly: true })
    const applied = names.prepare<[], { name: string }>('SELECT name FROM migrations').all()
    names.close()
    for (const { name } of applied) copyFileSync(join(migrations, name), join(folder, name))
    const next = String(applied.length + 1).padStart(4, '0')
    writeFileSync(join(folder, `${next}-later.sql`), 'CREATE TABLE later (id INTEGER PRIMARY KEY) STRICT;')
    const database = new Database(left)
    expect(() => migrate(database, 0, folder)).toThrow(JournalNotEmptyError)
    database.close()
    await (await openSqliteLedger({ path: left, clock })).close()
    const again = new Database(left)
    migrate(again, 0, folder)
    again.close()
  })

  test.each([
    ['the journal', '0014'],
    ['history', '0015'],
    ['who counts answers', '0017'],
  ])(
    'error: a gateway of an older version that was left running writes nothing any more (it does not know %s)',
    (_, first) => {
      const folder = testFolder()
      const database = new Database(join(folder, 'ledger.sqlite'))
      const migrateAll = (before: (name: string) => boolean) => {
        for (const name of readdirSync(migrations).filter(before))
          copyFileSync(join(migrations, name), join(folder, name))
        migrate(database, 0, folder)
      }
      migrateAll((name) => name < first)
      database.exec(
        "INSERT INTO instances (id, host, pid, started_at, seen_at, beats) VALUES ('old', 'here', 1, 0, 0, 0)",
      )
      migrateAll((name) => name.startsWith(first))
      expect(database.prepare('SELECT * FROM instances').all()).toEqual([])
      database.close()
    },
  )

  test('error: an entry that this version does not know stops the start, and stays', async () => {
    await callsOfThree()
    const left = died()
    const database = new Database(left)
    database.prepare('INSERT INTO journal (body) VALUES (?)').run('[["rebate",1]]')
    database.close()
    await expect(openSqliteLedger({ path: left, clock })).rejects.toThrow(/rebate/)
    expect(rowsOf('journal', left)).toBe(3)
  })
})
