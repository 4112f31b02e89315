import { join } from 'node:path'
import { zstdCompressSync } from 'node:zlib'
import Database from 'better-sqlite3'
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import * as Account from '../../../gateway/ledger/Account.ts'
import type { Ledger } from '../../../gateway/ledger/Ledger.ts'
import { onceKey } from '../../../gateway/ledger/payment-id.ts'
import { nameOfCall } from '../../../gateway/ledger/sqlite/history/names.ts'
import { type Segment, unpack } from '../../../gateway/ledger/sqlite/history/segments.ts'
import { openSqliteLedger } from '../../../gateway/ledger/sqlite/open-sqlite-ledger.ts'
import {
  alice,
  balanceClaim,
  bob,
  chainId,
  chainRef,
  channelClaim,
  channelId,
  chargeClaim,
  openChannel,
  testClock,
  violations,
} from '../fixtures.ts'
import { tamper } from '../tamper.ts'
import { testFolder } from '../test-folder.ts'

const day = 86_400_000

/** What ended long ago lies together in the history. For whoever asks for it, nothing may have changed. */
describe('history', () => {
  let ledger: Ledger
  let path: string
  let clock: ReturnType<typeof testClock>
  beforeEach(async () => {
    path = join(testFolder(), 'ledger.sqlite')
    clock = testClock()
    ledger = await openSqliteLedger({ path, clock, history: { least: 1 } })
    onTestFinished(() => ledger.close())
    // Before all others, as its id is.
    await ledger.claim(chargeClaim('pay_', { amount: 10_000n, earns: Account.wallet(alice) }))
    await ledger.settled({ paymentId: 'pay_', ref: chainRef(), deliver: 'delivered' })
    await openChannel(ledger)
  })

  /** What memory has is what the file has. */
  const reopen = async () => {
    await ledger.close()
    ledger = await openSqliteLedger({ path, clock, history: { least: 1 } })
  }
  const inFile = <Row>(statement: string): Row[] => {
    const database = new Database(path, { readonly: true })
    const rows = database.prepare<[], Row>(statement).all()
    database.close()
    return rows
  }
  const idsInTable = () => inFile<{ id: string }>('SELECT id FROM payments ORDER BY id').map(({ id }) => id)
  const now = () => ({ now: clock.now() })

  const byBalance = async (id: string, change: Partial<Ledger.ClaimRequest> = {}) => {
    await ledger.claim(balanceClaim(id, { ...now(), ...change }))
    await ledger.capture({ paymentId: id, amount: 10n, complete: true })
  }
  const byVoucher = async (id: string, cumulative: bigint, change: Partial<Ledger.ClaimRequest> = {}) => {
    const result = await ledger.claim(channelClaim(id, cumulative, { ...now(), ...change }))
    expect(result.outcome).toBe('fresh')
    await ledger.capture({ paymentId: id, amount: 10n, complete: true })
  }
  /** A charge that came to nothing: its credential bought the call from the credit of one whose caller was left in doubt. */
  const bySecondChance = async (id: string) => {
    await ledger.claim(chargeClaim(id, { key: 'charge:again', ...now() }))
    await ledger.void(id, 'never sent')
    await ledger.claim(chargeClaim(`${id}-paid`, now()))
    await ledger.doubts.add(`${id}-paid`)
    await ledger.settled({ paymentId: `${id}-paid`, ref: chainRef(), deliver: 'credit' })
    await ledger.doubts.add(id)
    const again = balanceClaim('pay_0y', { key: 'charge:again', ...now() })
    expect(await ledger.doubts.claim(`${id}-paid`, again)).toMatchObject({ outcome: 'fresh' })
    await ledger.capture({ paymentId: id, amount: 10n, complete: true })
  }
  const settle = (cumulative: bigint) =>
    ledger.channelSettled({ id: channelId, cumulative, ref: chainRef(), ...now() })
  /** Moves what is there by now, a month later. */
  const rollUp = async () => {
    // Whoever reads tables has what waits written to them: its events are as old as it is.
    await ledger.audit()
    clock.advance(32 * day)
    while (await ledger.rollUp(clock.now() - 30 * day));
  }

  test('default: calls that ended long ago leave the tables, and are found as they were', async () => {
    await byBalance('pay_01', { key: onceKey('pay_01') })
    await byBalance('pay_02', { key: 'balance:2' })
    await byVoucher('pay_03', 10n)
    await ledger.claim(balanceClaim('pay_04', now()))
    await ledger.capture({ paymentId: 'pay_04', amount: 10n })
    await ledger.refund('pay_04', 'the stream broke', { amount: 4n })
    await settle(10n)
    const keys = [onceKey('pay_01'), 'balance:2', `voucher:${channelId}:10`, 'balance:pay_04']
    const read = () =>
      Promise.all([
        ...['pay_01', 'pay_02', 'pay_03', 'pay_04'].map((id) => ledger.payment({ id })),
        ...keys.map((key) => ledger.payment({ key })),
      ])
    const before = { payments: await read(), audit: await ledger.audit() }
    expect(before.payments).not.toContain(null)

    await rollUp()
    expect(idsInTable().filter((id) => id !== 'pay_')).toEqual([])
    expect(inFile("SELECT kind FROM transfers WHERE kind NOT IN ('charge', 'settle')")).toEqual([])
    expect(inFile("SELECT kind FROM events WHERE kind IN ('claim', 'capture', 'refund')")).toEqual([])
    expect(await read()).toEqual(before.payments)
    expect(await ledger.credited('pay_04')).toBe(4n)
    expect(await ledger.payment({ key: onceKey('pay_02') })).toBeNull()
    expect(inFile('SELECT name FROM history_names')).toHaveLength(4 + 3)
    const { laws, payments, transfers } = await ledger.audit()
    expect({ laws, payments, transfers }).toEqual({
      laws: before.audit.laws,
      payments: before.audit.payments,
      transfers: before.audit.transfers,
    })
    expect(await violations(ledger)).toEqual([])
  })

  test('behavior: a key buys nothing again, however long ago it was used', async () => {
    await byBalance('pay_01', { key: 'balance:1', fingerprint: 'a' })
    await rollUp()
    const again = (change: Partial<Ledger.ClaimRequest>) =>
      ledger.claim(balanceClaim('pay_02', { key: 'balance:1', fingerprint: 'a', ...change }))
    expect(await again({})).toMatchObject({ outcome: 'replayed', payment: { id: 'pay_01', charged: 10n } })
    expect(await again({ fingerprint: 'b' })).toMatchObject({ outcome: 'conflict' })
    expect(await again({ wallet: bob })).toMatchObject({ outcome: 'conflict' })
    expect(await ledger.payment({ id: 'pay_02' })).toBeNull()
  })

  test('behavior: a voucher that is spent replays its call, and buys no other (a past call is not sold twice)', async () => {
    await byVoucher('pay_01', 10n, { fingerprint: 'a' })
    await settle(10n)
    await rollUp()
    const again = (id: string, fingerprint: string) => ledger.claim(channelClaim(id, 10n, { fingerprint }))
    expect(await again('pay_02', 'a')).toMatchObject({ outcome: 'replayed', payment: { id: 'pay_01' } })
    expect(await again('pay_03', 'b')).toMatchObject({ outcome: 'insufficient', available: 0n })
  })

  test('behavior: a voucher with value left goes on where it was, and each of its calls keeps its key', async () => {
    for (const [n, fingerprint] of ['a', 'b', 'a', 'a'].entries())
      await byVoucher(`pay_0${n}`, 60n, { fingerprint, amount: 10n })
    await settle(40n)
    await rollUp()
    await reopen()
    expect(idsInTable().filter((id) => id !== 'pay_')).toEqual([])
    const key = `voucher:${channelId}:60`
    await byVoucher('pay_04', 60n, { fingerprint: 'b' })
    expect(await ledger.payment({ id: 'pay_04' })).toMatchObject({ key: `${key}#4` })
    const keys = [key, ...[1, 2, 3, 4].map((repeat) => `${key}#${repeat}`)]
    const ids = await Promise.all(keys.map(async (key) => (await ledger.payment({ key }))?.id))
    expect(ids).toEqual(['pay_00', 'pay_01', 'pay_02', 'pay_03', 'pay_04'])

    await byVoucher('pay_05', 60n, { fingerprint: 'c' })
    await reopen()
    const replay = (fingerprint: string) => ledger.claim(channelClaim('pay_06', 60n, { fingerprint }))
    expect(await replay('a')).toMatchObject({ outcome: 'replayed', payment: { id: 'pay_03' } })
    expect(await replay('b')).toMatchObject({ outcome: 'replayed', payment: { id: 'pay_04' } })
    expect(await violations(ledger)).toEqual([])
  })

  test('behavior: of a voucher whose payments are in both, the latest answers and the next one follows', async () => {
    const claim = (id: string) => ledger.claim(channelClaim(id, 50n, { fingerprint: 'a', ...now() }))
    await byVoucher('pay_00', 50n, { fingerprint: 'first' })
    await claim('pay_01')
    await ledger.void('pay_01', 'upstream is down')
    await settle(10n)
    await rollUp()
    // It was void, so it stays, and is claimed again.
    expect(await claim('pay_0x')).toMatchObject({ outcome: 'fresh', payment: { id: 'pay_01' } })
    await ledger.capture({ paymentId: 'pay_01', amount: 10n, complete: true })
    await byVoucher('pay_02', 50n, { fingerprint: 'a' })
    await settle(30n)
    await rollUp()
    await reopen()
    expect(idsInTable()).toContain('pay_01')
    expect(idsInTable()).not.toContain('pay_02')
    await byVoucher('pay_03', 50n, { fingerprint: 'b' })
    expect(await ledger.payment({ id: 'pay_03' })).toMatchObject({ key: `voucher:${channelId}:50#3` })
    await byVoucher('pay_04', 50n, { fingerprint: 'c' })
    expect(await claim('pay_05')).toMatchObject({ outcome: 'replayed', payment: { id: 'pay_02' } })
    expect(await violations(ledger)).toEqual([])
  })

  test('behavior: stays: what is young, in flight, on chain, unsettled, kept with its answer, or can be claimed again', async () => {
    const answer = { sealed: new Uint8Array([1]) }
    await byVoucher('pay_01-settled', 10n)
    await settle(10n)
    clock.advance(2 * day)
    await byVoucher('pay_02-unsettled', 20n)
    await ledger.claim(balanceClaim('pay_03-open', now()))
    await ledger.claim(balanceClaim('pay_04-void', now()))
    await ledger.void('pay_04-void', 'upstream is down')
    await ledger.claim(chargeClaim('pay_05-charge', now()))
    await ledger.settled({ paymentId: 'pay_05-charge', ref: chainRef(), deliver: 'delivered' })
    await ledger.claim(chargeClaim('pay_05-lost', now()))
    await ledger.complete('pay_05-lost')
    await ledger.lost('pay_05-lost', 'never arrived')
    await ledger.claim(balanceClaim('pay_06-answer', now()))
    await ledger.capture({ paymentId: 'pay_06-answer', amount: 10n, answer })
    await byBalance('pay_07-old')
    await ledger.claim(balanceClaim('pay_08-late', now()))
    await bySecondChance('pay_08-doubt')
    clock.advance(32 * day)
    await ledger.capture({ paymentId: 'pay_08-late', amount: 10n, complete: true })
    await ledger.audit()
    await byVoucher('pay_09-young', 30n)
    await ledger.audit()
    while (await ledger.rollUp(clock.now() - 30 * day));
    const stayed = idsInTable().filter((id) => id !== 'pay_')
    expect(stayed.map((id) => id.slice(7))).toEqual([
      'unsettled',
      'open',
      'void',
      'charge',
      'lost',
      'answer',
      'doubt',
      'doubt-paid',
      'late',
      'young',
    ])
    expect(await ledger.answer('pay_06-answer')).toEqual(answer)
    const ofYoung = `FROM transfers WHERE created_at = ${clock.now()}`
    expect(inFile(`SELECT kind ${ofYoung} ORDER BY id`)).toEqual([
      { kind: 'capture' },
      { kind: 'voucher' },
      { kind: 'capture' },
    ])
    expect(
      inFile(`SELECT seq FROM events WHERE at = ${clock.now()} AND body LIKE '%pay_09-young%'`),
    ).not.toEqual([])
    expect(inFile(`SELECT seq FROM events WHERE at < ${clock.now()} AND kind NOT GLOB 'admin:*'`)).toEqual([])
    expect(await ledger.claim(balanceClaim('pay_0x', { key: 'balance:pay_04-void' }))).toMatchObject({
      outcome: 'fresh',
      payment: { id: 'pay_04-void' },
    })
    expect(await violations(ledger)).toEqual([])
  })

  test('behavior: a call that takes its time is moved as well, however often somebody looks', async () => {
    await ledger.claim(balanceClaim('pay_01', now()))
    clock.advance(90_000)
    await ledger.capture({ paymentId: 'pay_01', amount: 10n, complete: true })
    await ledger.audit()
    clock.advance(29 * day)
    for (let looks = 0; looks < 72; looks += 1) {
      await ledger.rollUp(clock.now() - 30 * day)
      clock.advance(day / 24)
    }
    expect(idsInTable()).toEqual(['pay_'])
  })

  test('behavior: beside every part that is moved a reader finds books in which all holds (routes would stop)', async () => {
    const ids = Array.from({ length: 70 }, (_, n) => `pay_0${String(n).padStart(3, '0')}`)
    await Promise.all(ids.map((id) => byBalance(id)))
    clock.advance(32 * day)
    // The calls are old and nothing waits; what the trail says of them is new.
    await ledger.audit()
    for (let more = true; more; ) {
      more = await ledger.rollUp(clock.now() - 30 * day)
      const beside = await openSqliteLedger({ path, readonly: true })
      expect(await violations(beside)).toEqual([])
      await beside.close()
    }
  })

  test('behavior: few calls wait for more, and what is said of the history does not become one (an idle file would grow)', async () => {
    await ledger.close()
    ledger = await openSqliteLedger({ path, clock })
    for (let n = 0; n < 200; n += 1) {
      const id = `pay_0${String(n).padStart(3, '0')}`
      await (n < 110 ? byBalance(id) : byVoucher(id, 10n * BigInt(n - 109)))
      await ledger.audit()
    }
    await settle(900n)
    const segments: number[] = []
    for (let looks = 0; looks < 400; looks += 1) {
      clock.advance(day)
      while (await ledger.rollUp(clock.now() - 30 * day));
      segments.push(inFile('SELECT segment FROM history').length)
    }
    expect(segments.at(20)).toBe(0)
    expect(segments.at(40)).toBeGreaterThan(2)
    expect(new Set(segments.slice(100)).size).toBe(1)
    // Of 201, with the top-up, three pages of 64 were looked at, and the top-up stays.
    expect(idsInTable()).toHaveLength(10)
    // Of 292 transfers two pages of 128.
    expect(inFile("SELECT min(id) AS first FROM transfers WHERE kind = 'voucher'")).toEqual([{ first: 258 }])
    expect(await violations(ledger)).toEqual([])
  })

  test('behavior: rows that a wrong clock wrote keep none of those after them', async () => {
    clock.advance(3_650 * day)
    await byVoucher('pay_0x', 10n)
    await ledger.audit()
    clock.advance(-3_650 * day)
    await byVoucher('pay_00', 20n)
    await settle(20n)
    await rollUp()
    expect(inFile("SELECT id FROM transfers WHERE kind = 'voucher'")).toEqual([])
    expect(await violations(ledger)).toEqual([])
  })

  test('behavior: of two payments for one call the later repeat answers, whatever their ids', async () => {
    await byVoucher('pay_00', 30n, { fingerprint: 'first' })
    await byVoucher('pay_02', 30n, { fingerprint: 'a' })
    await byVoucher('pay_01', 30n, { fingerprint: 'a' })
    await settle(30n)
    await rollUp()
    await reopen()
    expect(await ledger.claim(channelClaim('pay_03', 30n, { fingerprint: 'a' }))).toMatchObject({
      outcome: 'replayed',
      payment: { id: 'pay_01' },
    })
  })

  test('behavior: transfers are numbered on when the table has none left', async () => {
    await byBalance('pay_01')
    await byBalance('pay_02')
    const { transfers } = await ledger.audit()
    await rollUp()
    await reopen()
    await byBalance('pay_03')
    await ledger.close()
    expect(inFile(`SELECT id FROM transfers WHERE payment_id = 'pay_03'`)).toEqual([{ id: transfers + 1 }])
    ledger = await openSqliteLedger({ path, clock, history: { least: 1 } })
    expect(await violations(ledger)).toEqual([])
  })

  test('behavior: the last event stays, and the next one follows it', async () => {
    await rollUp()
    expect(inFile("SELECT kind FROM events WHERE kind = 'channel-seen'")).toHaveLength(1)
    await byBalance('pay_01')
    expect(await violations(ledger)).toEqual([])
  })

  test('behavior: an id that does not say when it was made keeps no later one from being moved', async () => {
    await byBalance('pay_restored_1')
    await rollUp()
    await byBalance('pay_01')
    await rollUp()
    expect(idsInTable()).toEqual(['pay_', 'pay_restored_1'])
  })

  test('behavior: many calls make many segments, and each is found', async () => {
    const ids = Array.from({ length: 150 }, (_, n) => `pay_0${String(n).padStart(3, '0')}`)
    await Promise.all(ids.map((id) => byBalance(id)))
    await rollUp()
    expect(inFile('SELECT segment FROM history WHERE payment_count > 0')).toHaveLength(3)
    for (const id of ids) expect(await ledger.payment({ id }), id).toMatchObject({ id, charged: 10n })
    expect(await violations(ledger)).toEqual([])
  })

  test('behavior: the audit follows calls that overlap from segment to segment, also over one in which nothing was booked', async () => {
    const ids = Array.from({ length: 191 }, (_, n) => `pay_0${String(n).padStart(3, '0')}`)
    const [first = '', ...others] = ids
    await ledger.claim(balanceClaim(first, now()))
    for (const [n, id] of others.entries()) {
      await ledger.claim(balanceClaim(id, now()))
      await ledger.capture({ paymentId: id, amount: n < 62 || n >= 126 ? 10n : 0n, complete: true })
    }
    await ledger.capture({ paymentId: first, amount: 10n, complete: true })
    await rollUp()
    const counts = inFile<{ transfers: number }>(
      'SELECT transfer_count AS transfers FROM history WHERE payment_count > 0 ORDER BY segment',
    )
    expect(counts.map(({ transfers }) => transfers)).toEqual([63, 0, 64])
    expect(await violations(ledger)).toEqual([])
  })

  test('error: an answer for a call that was rolled up is refused alone (all writing would stop)', async () => {
    // A repeat is kept in memory for the next one.
    for (const id of ['pay_00', 'pay_01']) await byVoucher(id, 50n, { fingerprint: id })
    await settle(20n)
    await rollUp()
    const [answer, paid] = await Promise.allSettled([
      ledger.storeAnswer('pay_01', { sealed: new Uint8Array([1]) }),
      ledger.claim(balanceClaim('pay_02', now())),
    ])
    expect(answer).toMatchObject({ status: 'rejected', reason: { code: 'payment-not-found' } })
    expect(paid).toMatchObject({ status: 'fulfilled', value: { outcome: 'fresh' } })
    expect(await violations(ledger)).toEqual([])
  })

  test('behavior: another process finds what this one has moved', async () => {
    await byBalance('pay_01', { key: 'balance:1' })
    const other = await openSqliteLedger({ path, clock, history: { least: 1 } })
    onTestFinished(() => other.close())
    expect(await other.payment({ id: 'pay_01' })).not.toBeNull()
    await rollUp()
    expect(await other.payment({ id: 'pay_01' })).toEqual(await ledger.payment({ id: 'pay_01' }))
    expect(await other.claim(balanceClaim('pay_02', { key: 'balance:1' }))).toMatchObject({
      outcome: 'replayed',
    })
  })

  test('error: a move that fails leaves everything where it was, and fails alone', async () => {
    await byBalance('pay_01')
    await byBalance('pay_02')
    const database = new Database(path)
    database.exec(`CREATE TRIGGER broken BEFORE DELETE ON payments WHEN OLD.id = 'pay_02'
      BEGIN SELECT RAISE(ABORT, 'the disk is strange'); END`)
    database.close()
    clock.advance(32 * day)
    const [moved, paid] = await Promise.allSettled([
      ledger.rollUp(clock.now()),
      ledger.claim(balanceClaim('pay_03', now())),
    ])
    expect(moved).toMatchObject({ status: 'rejected', reason: { code: 'ledger-integrity' } })
    expect(paid).toMatchObject({ status: 'fulfilled', value: { outcome: 'fresh' } })
    expect(inFile('SELECT * FROM history')).toEqual([])
    for (const id of ['pay_01', 'pay_02'])
      expect(await ledger.payment({ id })).toMatchObject({ charged: 10n })
    expect(await violations(ledger)).toEqual([])
  })

  test('behavior: a settlement of past calls that the chain takes back is due at once', async () => {
    await byVoucher('pay_01', 10n)
    const ref = { ...chainRef(), blockHash: `0x${'b1'.repeat(32)}` } as const
    await ledger.channelSettled({ id: channelId, cumulative: 10n, ref, ...now() })
    await rollUp()
    expect(inFile('SELECT segment FROM history WHERE payment_count > 0')).toHaveLength(1)
    const anchor = (await ledger.reorg.anchors(chainId, 10)).find(({ kind }) => kind === 'settle')
    const resettled = {
      channel: channelId,
      gone: [anchor?.id ?? 0],
      reason: 'gone',
      now: [],
      from: ref.block,
    }
    expect(await ledger.reorg.resettled(resettled)).toMatchObject({
      settled: 0n,
      spent: 10n,
      unsettledSince: 0,
    })
    expect(await ledger.dueChannels({ before: 1, least: null })).toMatchObject([{ id: channelId }])
    expect(await violations(ledger)).toEqual([])
  })

  describe('someone who has the file', () => {
    beforeEach(async () => {
      await byBalance('pay_01', { key: 'balance:1' })
      await byVoucher('pay_02', 10n)
      await settle(10n)
      await rollUp()
    })
    /** Segment 1 has the calls, segment 2 what the trail said of them. */
    const segment =
      (edit: (text: string) => string, number = 1) =>
      (database: Database.Database) => {
        const text = JSON.stringify(contentOf(path, number))
        database
          .prepare('UPDATE history SET body = ? WHERE segment = ?')
          .run(zstdCompressSync(edit(text)), number)
      }

    test('error: the schema lets nobody change or delete it, nor a row that is not in it', async () => {
      await byBalance('pay_03')
      await ledger.close()
      const database = new Database(path)
      onTestFinished(() => void database.close())
      for (const statement of [
        "UPDATE history SET body = x'00'",
        'DELETE FROM history',
        'DELETE FROM history_names',
        'UPDATE history_names SET segment = 9',
        'DELETE FROM history_progress',
        'UPDATE history_progress SET transfer = 0',
        "DELETE FROM payments WHERE id = 'pay_03'",
        "DELETE FROM transfers WHERE payment_id = 'pay_03'",
        'DELETE FROM transfers WHERE tx IS NOT NULL',
        'DELETE FROM events WHERE seq = 1',
        'DELETE FROM events',
      ])
        expect(() => database.exec(statement), statement).toThrow(/never|advances/)
      ledger = await openSqliteLedger({ path, clock, history: { least: 1 } })
    })

    const cases: [what: string, change: (database: Database.Database) => void, names: RegExp][] = [
      [
        'changes a payment',
        segment((text) => text.replace('"charged":"10"', '"charged":"9"')),
        /payment pay_01 is charged 9; its transfers sum to 10[\s\S]*segment 1 of the history is not what event \d+ states/,
      ],
      [
        'changes a transfer',
        segment((text) => text.replace('"kind":"capture"', '"kind":"refund"')),
        /transfer \d+ is not what event \d+ states/,
      ],
      [
        'changes who called',
        segment((text) => text.replaceAll(alice, bob)),
        /segment 1 of the history is not/,
      ],
      ['writes what is no segment', segment(() => '{}'), /segment 1 of the history is not what event/],
      [
        'writes anything',
        (database) => database.exec("UPDATE history SET body = x'00'"),
        /segment 1 .* is not/,
      ],
      [
        'deletes a segment',
        (database) => database.exec('DELETE FROM history WHERE segment = 1'),
        /segment 1 of the history, which event \d+ states, is gone/,
      ],
      [
        'changes an event',
        segment((text) => text.replace('delivered', 'failed'), 2),
        /event \d+ \(\w+\) does not have the hash[\s\S]*segment 2 of the history is not/,
      ],
      [
        'deletes events',
        (database) => database.exec('DELETE FROM history WHERE segment = 2'),
        /event \d+ is missing[\s\S]*segment 2 of the history, which event \d+ states, is gone/,
      ],
      [
        'makes a key free again',
        (database) => database.exec('DELETE FROM history_names WHERE length(name) = 20'),
        /payment pay_01 is in segment 1; its id leads to 1, its key to null, its call to 1/,
      ],
      [
        'makes an id unknown',
        (database) => database.exec('DELETE FROM history_names WHERE length(name) = 16'),
        /payment pay_01 is in segment 1; its id leads to null, its key to 1, its call to 1/,
      ],
      [
        'sells a past key again',
        (database) => database.exec(paymentLike('pay_03', 'balance:1')),
        /payment pay_03, or another one with its key, is in the history too/,
      ],
      [
        'makes a past payment anew',
        (database) => database.exec(paymentLike('pay_01', 'balance:3')),
        /payment pay_01, or another one with its key, is in the history too/,
      ],
      [
        'sells a past call again that had no key',
        (database) => database.exec(paymentLike('pay_04', onceKey('pay_01'))),
        /payment pay_04, or another one with its key, is in the history too/,
      ],
      [
        'says that there is more than there is',
        (database) => database.exec('UPDATE history SET payment_count = 99 WHERE segment = 1'),
        /segment 1 of the history is not what event/,
      ],
      [
        'has transfers numbered anew',
        (database) => database.exec('UPDATE history_progress SET highest = 1'),
        /transfer \d+ is in the history, which says 1 at most/,
      ],
      [
        'adds a segment',
        (database) =>
          database.exec(`INSERT INTO history (segment, payment_count, transfer_count, event_count, body)
            SELECT 9, 1, 0, 0, body FROM history WHERE segment = 1`),
        /segment 9 of the history has no event in the trail/,
      ],
    ]
    test('error: makes a call of a voucher unknown, and the audit names it', async () => {
      for (const id of ['pay_05', 'pay_06']) await byVoucher(id, 50n, { fingerprint: id })
      await settle(30n)
      await rollUp()
      const call = nameOfCall(`voucher:${channelId}:50`, 'pay_06')
      tamper(path, (database) => void database.prepare('DELETE FROM history_names WHERE name = ?').run(call))
      expect((await violations(ledger)).join('\n')).toMatch(/payment pay_06 .* its call to null/)
    })

    test.each(cases)('error: %s, and the audit names it', async (_, change, names) => {
      tamper(path, change)
      expect((await violations(ledger)).join('\n')).toMatch(names)
    })
  })
})

const paymentLike = (id: string, key: string) => `
  INSERT INTO payments (id, family, repeat, fingerprint, rail, dialect, wallet, route, asset, amount, charged, earns, delivery,
    money, created_at, updated_at)
  VALUES ('${id}', '${key}', 0, 'f', 'balance', 'mpp', 'w', 'r', 'a', '0', '0', 'revenue:r', 'void', 'void', 1, 1)`

function contentOf(path: string, segment: number): Segment {
  const database = new Database(path, { readonly: true })
  const row = database
    .prepare<[number], { body: Uint8Array }>('SELECT body FROM history WHERE segment = ?')
    .get(segment)
  database.close()
  return unpack(row?.body ?? new Uint8Array())
}
