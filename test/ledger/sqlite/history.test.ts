import Database from 'better-sqlite3'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { Ledger } from '../../../gateway/ledger/Ledger.ts'
import { onceKey } from '../../../gateway/ledger/payment-id.ts'
import { openSqliteLedger } from '../../../gateway/ledger/sqlite/open-sqlite-ledger.ts'
import {
  balanceClaim,
  bob,
  chainId,
  chainRef,
  channelClaim,
  channelId,
  chargeClaim,
  violations,
} from '../fixtures.ts'
import { day, pastLedger } from './past-ledger.ts'

/** What ended long ago lies together in the history. For whoever asks for it, nothing may have changed. */
describe('history', () => {
  const past = pastLedger()
  const { now, inFile, idsInTable, reopen, byBalance, byVoucher, settle, rollUp } = past
  /** A charge that came to nothing: its credential bought the call from the credit of one whose caller was left in doubt. */
  const bySecondChance = async (id: string) => {
    await past.ledger.claim(chargeClaim(id, { key: 'charge:again', ...now() }))
    await past.ledger.void(id, 'never sent')
    await past.ledger.claim(chargeClaim(`${id}-paid`, now()))
    await past.ledger.doubts.add(`${id}-paid`)
    await past.ledger.settled({ paymentId: `${id}-paid`, ref: chainRef(), deliver: 'credit' })
    await past.ledger.doubts.add(id)
    const again = balanceClaim('pay_0y', { key: 'charge:again', ...now() })
    expect(await past.ledger.doubts.claim(`${id}-paid`, again)).toMatchObject({ outcome: 'fresh' })
    await past.ledger.capture({ paymentId: id, amount: 10n, complete: true })
  }

  test('default: calls that ended long ago leave the tables, and are found as they were', async () => {
    await byBalance('pay_01', { key: onceKey('pay_01') })
    await byBalance('pay_02', { key: 'balance:2' })
    await byVoucher('pay_03', 10n)
    await past.ledger.claim(balanceClaim('pay_04', now()))
    await past.ledger.capture({ paymentId: 'pay_04', amount: 10n })
    await past.ledger.refund('pay_04', 'the stream broke', { amount: 4n })
    await settle(10n)
    const keys = [onceKey('pay_01'), 'balance:2', `voucher:${channelId}:10`, 'balance:pay_04']
    const read = () =>
      Promise.all([
        ...['pay_01', 'pay_02', 'pay_03', 'pay_04'].map((id) => past.ledger.payment({ id })),
        ...keys.map((key) => past.ledger.payment({ key })),
      ])
    const before = { payments: await read(), audit: await past.ledger.audit() }
    expect(before.payments).not.toContain(null)

    await rollUp()
    expect(idsInTable().filter((id) => id !== 'pay_')).toEqual([])
    expect(inFile("SELECT kind FROM transfers WHERE kind NOT IN ('charge', 'settle')")).toEqual([])
    expect(inFile("SELECT kind FROM events WHERE kind IN ('claim', 'capture', 'refund')")).toEqual([])
    expect(await read()).toEqual(before.payments)
    expect(await past.ledger.credited('pay_04')).toBe(4n)
    expect(await past.ledger.payment({ key: onceKey('pay_02') })).toBeNull()
    expect(inFile('SELECT name FROM history_names')).toHaveLength(4 + 3)
    const { laws, payments, transfers } = await past.ledger.audit()
    expect({ laws, payments, transfers }).toEqual({
      laws: before.audit.laws,
      payments: before.audit.payments,
      transfers: before.audit.transfers,
    })
    expect(await violations(past.ledger)).toEqual([])
  })

  test('behavior: a key buys nothing again, however long ago it was used', async () => {
    await byBalance('pay_01', { key: 'balance:1', fingerprint: 'a' })
    await rollUp()
    const again = (change: Partial<Ledger.ClaimRequest>) =>
      past.ledger.claim(balanceClaim('pay_02', { key: 'balance:1', fingerprint: 'a', ...change }))
    expect(await again({})).toMatchObject({ outcome: 'replayed', payment: { id: 'pay_01', charged: 10n } })
    expect(await again({ fingerprint: 'b' })).toMatchObject({ outcome: 'conflict' })
    expect(await again({ wallet: bob })).toMatchObject({ outcome: 'conflict' })
    expect(await past.ledger.payment({ id: 'pay_02' })).toBeNull()
  })

  test('behavior: a voucher that is spent replays its call, and buys no other (a past call is not sold twice)', async () => {
    await byVoucher('pay_01', 10n, { fingerprint: 'a' })
    await settle(10n)
    await rollUp()
    const again = (id: string, fingerprint: string) =>
      past.ledger.claim(channelClaim(id, 10n, { fingerprint }))
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
    expect(await past.ledger.payment({ id: 'pay_04' })).toMatchObject({ key: `${key}#4` })
    const keys = [key, ...[1, 2, 3, 4].map((repeat) => `${key}#${repeat}`)]
    const ids = await Promise.all(keys.map(async (key) => (await past.ledger.payment({ key }))?.id))
    expect(ids).toEqual(['pay_00', 'pay_01', 'pay_02', 'pay_03', 'pay_04'])

    await byVoucher('pay_05', 60n, { fingerprint: 'c' })
    await reopen()
    const replay = (fingerprint: string) => past.ledger.claim(channelClaim('pay_06', 60n, { fingerprint }))
    expect(await replay('a')).toMatchObject({ outcome: 'replayed', payment: { id: 'pay_03' } })
    expect(await replay('b')).toMatchObject({ outcome: 'replayed', payment: { id: 'pay_04' } })
    expect(await violations(past.ledger)).toEqual([])
  })

  test('behavior: of a voucher whose payments are in both, the latest answers and the next one follows', async () => {
    const claim = (id: string) => past.ledger.claim(channelClaim(id, 50n, { fingerprint: 'a', ...now() }))
    await byVoucher('pay_00', 50n, { fingerprint: 'first' })
    await claim('pay_01')
    await past.ledger.void('pay_01', 'upstream is down')
    await settle(10n)
    await rollUp()
    // It was void, so it stays, and is claimed again.
    expect(await claim('pay_0x')).toMatchObject({ outcome: 'fresh', payment: { id: 'pay_01' } })
    await past.ledger.capture({ paymentId: 'pay_01', amount: 10n, complete: true })
    await byVoucher('pay_02', 50n, { fingerprint: 'a' })
    await settle(30n)
    await rollUp()
    await reopen()
    expect(idsInTable()).toContain('pay_01')
    expect(idsInTable()).not.toContain('pay_02')
    await byVoucher('pay_03', 50n, { fingerprint: 'b' })
    expect(await past.ledger.payment({ id: 'pay_03' })).toMatchObject({ key: `voucher:${channelId}:50#3` })
    await byVoucher('pay_04', 50n, { fingerprint: 'c' })
    expect(await claim('pay_05')).toMatchObject({ outcome: 'replayed', payment: { id: 'pay_02' } })
    expect(await violations(past.ledger)).toEqual([])
  })

  test('behavior: stays: what is young, in flight, on chain, unsettled, kept with its answer, or can be claimed again', async () => {
    const answer = { sealed: new Uint8Array([1]) }
    await byVoucher('pay_01-settled', 10n)
    await settle(10n)
    past.clock.advance(2 * day)
    await byVoucher('pay_02-unsettled', 20n)
    await past.ledger.claim(balanceClaim('pay_03-open', now()))
    await past.ledger.claim(balanceClaim('pay_04-void', now()))
    await past.ledger.void('pay_04-void', 'upstream is down')
    await past.ledger.claim(chargeClaim('pay_05-charge', now()))
    await past.ledger.settled({ paymentId: 'pay_05-charge', ref: chainRef(), deliver: 'delivered' })
    await past.ledger.claim(chargeClaim('pay_05-lost', now()))
    await past.ledger.complete('pay_05-lost')
    await past.ledger.lost('pay_05-lost', 'never arrived')
    await past.ledger.claim(balanceClaim('pay_06-answer', now()))
    await past.ledger.capture({ paymentId: 'pay_06-answer', amount: 10n, answer })
    await byBalance('pay_07-old')
    await past.ledger.claim(balanceClaim('pay_08-late', now()))
    await bySecondChance('pay_08-doubt')
    past.clock.advance(32 * day)
    await past.ledger.capture({ paymentId: 'pay_08-late', amount: 10n, complete: true })
    await past.ledger.audit()
    await byVoucher('pay_09-young', 30n)
    await past.ledger.audit()
    while (await past.ledger.rollUp(past.clock.now() - 30 * day));
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
    expect(await past.ledger.answer('pay_06-answer')).toEqual(answer)
    const ofYoung = `FROM transfers WHERE created_at = ${past.clock.now()}`
    expect(inFile(`SELECT kind ${ofYoung} ORDER BY id`)).toEqual([
      { kind: 'capture' },
      { kind: 'voucher' },
      { kind: 'capture' },
    ])
    expect(
      inFile(`SELECT seq FROM events WHERE at = ${past.clock.now()} AND body LIKE '%pay_09-young%'`),
    ).not.toEqual([])
    expect(
      inFile(`SELECT seq FROM events WHERE at < ${past.clock.now()} AND kind NOT GLOB 'admin:*'`),
    ).toEqual([])
    expect(await past.ledger.claim(balanceClaim('pay_0x', { key: 'balance:pay_04-void' }))).toMatchObject({
      outcome: 'fresh',
      payment: { id: 'pay_04-void' },
    })
    expect(await violations(past.ledger)).toEqual([])
  })

  test('behavior: a call that takes its time is moved as well, however often somebody looks', async () => {
    await past.ledger.claim(balanceClaim('pay_01', now()))
    past.clock.advance(90_000)
    await past.ledger.capture({ paymentId: 'pay_01', amount: 10n, complete: true })
    await past.ledger.audit()
    past.clock.advance(29 * day)
    for (let looks = 0; looks < 72; looks += 1) {
      await past.ledger.rollUp(past.clock.now() - 30 * day)
      past.clock.advance(day / 24)
    }
    expect(idsInTable()).toEqual(['pay_'])
  })

  test('behavior: beside every part that is moved a reader finds books in which all holds (routes would stop)', async () => {
    const ids = Array.from({ length: 70 }, (_, n) => `pay_0${String(n).padStart(3, '0')}`)
    await Promise.all(ids.map((id) => byBalance(id)))
    past.clock.advance(32 * day)
    // The calls are old and nothing waits; what the trail says of them is new.
    await past.ledger.audit()
    for (let more = true; more; ) {
      more = await past.ledger.rollUp(past.clock.now() - 30 * day)
      const beside = await openSqliteLedger({ path: past.path, readonly: true })
      expect(await violations(beside)).toEqual([])
      await beside.close()
    }
  })

  test('behavior: few calls wait for more, and what is said of the history does not become one (an idle file would grow)', async () => {
    await reopen('usual')
    for (let n = 0; n < 200; n += 1) {
      const id = `pay_0${String(n).padStart(3, '0')}`
      await (n < 110 ? byBalance(id) : byVoucher(id, 10n * BigInt(n - 109)))
      await past.ledger.audit()
    }
    await settle(900n)
    const segments: number[] = []
    for (let looks = 0; looks < 400; looks += 1) {
      past.clock.advance(day)
      while (await past.ledger.rollUp(past.clock.now() - 30 * day));
      segments.push(inFile('SELECT segment FROM history').length)
    }
    expect(segments.at(20)).toBe(0)
    expect(segments.at(40)).toBeGreaterThan(2)
    expect(new Set(segments.slice(100)).size).toBe(1)
    // Of 201, with the top-up, three pages of 64 were looked at, and the top-up stays.
    expect(idsInTable()).toHaveLength(10)
    // Of 292 transfers two pages of 128.
    expect(inFile("SELECT min(id) AS first FROM transfers WHERE kind = 'voucher'")).toEqual([{ first: 258 }])
    expect(await violations(past.ledger)).toEqual([])
  })

  test('behavior: rows that a wrong past.clock wrote keep none of those after them', async () => {
    past.clock.advance(3_650 * day)
    await byVoucher('pay_0x', 10n)
    await past.ledger.audit()
    past.clock.advance(-3_650 * day)
    await byVoucher('pay_00', 20n)
    await settle(20n)
    await rollUp()
    expect(inFile("SELECT id FROM transfers WHERE kind = 'voucher'")).toEqual([])
    expect(await violations(past.ledger)).toEqual([])
  })

  test('behavior: of two payments for one call the later repeat answers, whatever their ids', async () => {
    await byVoucher('pay_00', 30n, { fingerprint: 'first' })
    await byVoucher('pay_02', 30n, { fingerprint: 'a' })
    await byVoucher('pay_01', 30n, { fingerprint: 'a' })
    await settle(30n)
    await rollUp()
    await reopen()
    expect(await past.ledger.claim(channelClaim('pay_03', 30n, { fingerprint: 'a' }))).toMatchObject({
      outcome: 'replayed',
      payment: { id: 'pay_01' },
    })
  })

  test('behavior: transfers are numbered on when the table has none left', async () => {
    await byBalance('pay_01')
    await byBalance('pay_02')
    const { transfers } = await past.ledger.audit()
    await rollUp()
    await reopen()
    await byBalance('pay_03')
    await past.ledger.close()
    expect(inFile(`SELECT id FROM transfers WHERE payment_id = 'pay_03'`)).toEqual([{ id: transfers + 1 }])
    await reopen()
    expect(await violations(past.ledger)).toEqual([])
  })

  test('behavior: the last event stays, and the next one follows it', async () => {
    await rollUp()
    expect(inFile("SELECT kind FROM events WHERE kind = 'channel-seen'")).toHaveLength(1)
    await byBalance('pay_01')
    expect(await violations(past.ledger)).toEqual([])
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
    for (const id of ids) expect(await past.ledger.payment({ id }), id).toMatchObject({ id, charged: 10n })
    expect(await violations(past.ledger)).toEqual([])
  })

  test('behavior: the audit follows calls that overlap from segment to segment, also over one in which nothing was booked', async () => {
    const ids = Array.from({ length: 191 }, (_, n) => `pay_0${String(n).padStart(3, '0')}`)
    const [first = '', ...others] = ids
    await past.ledger.claim(balanceClaim(first, now()))
    for (const [n, id] of others.entries()) {
      await past.ledger.claim(balanceClaim(id, now()))
      await past.ledger.capture({ paymentId: id, amount: n < 62 || n >= 126 ? 10n : 0n, complete: true })
    }
    await past.ledger.capture({ paymentId: first, amount: 10n, complete: true })
    await rollUp()
    const counts = inFile<{ transfers: number }>(
      'SELECT transfer_count AS transfers FROM history WHERE payment_count > 0 ORDER BY segment',
    )
    expect(counts.map(({ transfers }) => transfers)).toEqual([63, 0, 64])
    expect(await violations(past.ledger)).toEqual([])
  })

  test('error: an answer for a call that was rolled up is refused alone (all writing would stop)', async () => {
    // A repeat is kept in memory for the next one.
    for (const id of ['pay_00', 'pay_01']) await byVoucher(id, 50n, { fingerprint: id })
    await settle(20n)
    await rollUp()
    const [answer, paid] = await Promise.allSettled([
      past.ledger.storeAnswer('pay_01', { sealed: new Uint8Array([1]) }),
      past.ledger.claim(balanceClaim('pay_02', now())),
    ])
    expect(answer).toMatchObject({ status: 'rejected', reason: { code: 'payment-not-found' } })
    expect(paid).toMatchObject({ status: 'fulfilled', value: { outcome: 'fresh' } })
    expect(await violations(past.ledger)).toEqual([])
  })

  test('behavior: another process finds what this one has moved', async () => {
    await byBalance('pay_01', { key: 'balance:1' })
    const other = await openSqliteLedger({ path: past.path, clock: past.clock, history: { least: 1 } })
    onTestFinished(() => other.close())
    expect(await other.payment({ id: 'pay_01' })).not.toBeNull()
    await rollUp()
    expect(await other.payment({ id: 'pay_01' })).toEqual(await past.ledger.payment({ id: 'pay_01' }))
    expect(await other.claim(balanceClaim('pay_02', { key: 'balance:1' }))).toMatchObject({
      outcome: 'replayed',
    })
  })

  test('error: a move that fails leaves everything where it was, and fails alone', async () => {
    await byBalance('pay_01')
    await byBalance('pay_02')
    const database = new Database(past.path)
    database.exec(`CREATE TRIGGER broken BEFORE DELETE ON payments WHEN OLD.id = 'pay_02'
      BEGIN SELECT RAISE(ABORT, 'the disk is strange'); END`)
    database.close()
    past.clock.advance(32 * day)
    const [moved, paid] = await Promise.allSettled([
      past.ledger.rollUp(past.clock.now()),
      past.ledger.claim(balanceClaim('pay_03', now())),
    ])
    expect(moved).toMatchObject({ status: 'rejected', reason: { code: 'ledger-integrity' } })
    expect(paid).toMatchObject({ status: 'fulfilled', value: { outcome: 'fresh' } })
    expect(inFile('SELECT * FROM history')).toEqual([])
    for (const id of ['pay_01', 'pay_02'])
      expect(await past.ledger.payment({ id })).toMatchObject({ charged: 10n })
    expect(await violations(past.ledger)).toEqual([])
  })

  test('behavior: a settlement of past calls that the chain takes back is due at once', async () => {
    await byVoucher('pay_01', 10n)
    const ref = { ...chainRef(), blockHash: `0x${'b1'.repeat(32)}` } as const
    await past.ledger.channelSettled({ id: channelId, cumulative: 10n, ref, ...now() })
    await rollUp()
    expect(inFile('SELECT segment FROM history WHERE payment_count > 0')).toHaveLength(1)
    const anchor = (await past.ledger.reorg.anchors(chainId, 10)).find(({ kind }) => kind === 'settle')
    const resettled = {
      channel: channelId,
      gone: [anchor?.id ?? 0],
      reason: 'gone',
      now: [],
      from: ref.block,
    }
    expect(await past.ledger.reorg.resettled(resettled)).toMatchObject({
      settled: 0n,
      spent: 10n,
      unsettledSince: 0,
    })
    expect(await past.ledger.dueChannels({ before: 1, least: null })).toMatchObject([{ id: channelId }])
    expect(await violations(past.ledger)).toEqual([])
  })
})
