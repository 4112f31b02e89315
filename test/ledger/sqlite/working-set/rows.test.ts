import Database from 'better-sqlite3'
import { expect, test } from 'vitest'
import * as Account from '../../../../gateway/ledger/Account.ts'
import { LedgerIntegrityError } from '../../../../gateway/ledger/errors.ts'
import { type DeliveryState, isOpen, type MoneyState } from '../../../../gateway/ledger/Payment.ts'
import { Books } from '../../../../gateway/ledger/sqlite/Books.ts'
import { migrate } from '../../../../gateway/ledger/sqlite/migrate.ts'
import { openSqliteLedger } from '../../../../gateway/ledger/sqlite/open-sqlite-ledger.ts'
import { balanceOf, setBalance } from '../../../../gateway/ledger/sqlite/working-set/balances.ts'
import { asset, chainRef, channelClaim, channelId, openChannel, testClock } from '../../fixtures.ts'
import { testFolder } from '../../test-folder.ts'

test('behavior: whatever changed of a channel is in the file when it is opened again (a call writes only a part)', async () => {
  const path = `${testFolder()}/ledger.sqlite`
  const clock = testClock()
  let ledger = await openSqliteLedger({ path, clock })
  /** Opened again, it says what it said from memory. */
  const reopen = async () => {
    const before = await ledger.channel(channelId)
    await ledger.close()
    ledger = await openSqliteLedger({ path, clock })
    expect(await ledger.channel(channelId)).toEqual(before)
    return before
  }
  const spend = async (id: string, cumulative: bigint) => {
    await ledger.claim(channelClaim(id, cumulative, { amount: 10n }))
    await ledger.capture({ paymentId: id, amount: 10n, complete: true })
    clock.advance(1_000)
  }
  await openChannel(ledger)
  await spend('a', 10n)
  await spend('b', 20n)
  expect(await reopen()).toMatchObject({ accepted: 20n, spent: 20n, settled: 0n })
  await spend('c', 30n)
  await ledger.channelSettled({ id: channelId, cumulative: 20n, ref: chainRef(), now: clock.now() })
  expect(await reopen()).toMatchObject({ spent: 30n, settled: 20n })
  await spend('d', 40n)
  await ledger.closeRequested(channelId, clock.now())
  expect((await reopen())?.closeRequestedAt).toBe(clock.now())
  await ledger.channelSettled({ id: channelId, cumulative: 40n, ref: chainRef(), now: clock.now() })
  await ledger.channelFinalized(channelId, chainRef())
  expect(await reopen()).toMatchObject({ settled: 40n, unsettledSince: null, finalized: true })
  await ledger.close()
})

test('error: an account whose row is gone stops the group: its balance is not lost in silence', () => {
  const database = new Database(':memory:')
  migrate(database, 0)
  const books = new Books(database, testClock())
  books.rows.balances.set('wallet:w asset', { posted: 5n, pending: 0n, stored: true })
  expect(() => books.rows.flush()).toThrow(LedgerIntegrityError)
  database.close()
})

test('behavior: a signer with long signatures does not make each call write them all (a contract may call anything one)', async () => {
  const path = `${testFolder()}/ledger.sqlite`
  const ledger = await openSqliteLedger({ path })
  await openChannel(ledger)
  const signature = `0x${'5a'.repeat(6_000)}` as const
  for (let cumulative = 1n; cumulative <= 20n; cumulative += 1n)
    await ledger.acceptVoucher({ channelId, cumulative, signature, minDelta: 0n, now: 1 })
  expect(await ledger.settleable(channelId, { final: true })).toMatchObject({ cumulative: 1n })
  expect((await ledger.channel(channelId))?.voucher?.cumulative).toBe(20n)
  const database = new Database(path, { readonly: true })
  const row = database.prepare<[], { size: number }>('SELECT length(vouchers) AS size FROM channels').get()
  expect(row?.size).toBeLessThan(3 * signature.length)
  database.close()
  await ledger.close()
})

test('error: a channel has its two accounts in its own asset alone: nothing of another one is booked there', async () => {
  const path = `${testFolder()}/ledger.sqlite`
  const ledger = await openSqliteLedger({ path })
  await openChannel(ledger)
  await ledger.close()
  const books = new Books(new Database(path), testClock())
  for (const account of [Account.channel(channelId), Account.prepaid(channelId)]) {
    expect(balanceOf(books, account, 'another asset')).toEqual({ posted: 0n, pending: 0n })
    const write = () => setBalance(books, account, 'another asset', { posted: 5n, pending: 0n })
    expect(write).toThrow(LedgerIntegrityError)
  }
  expect(() => setBalance(books, 'prepaid:0x00', asset, { posted: 5n, pending: 0n })).toThrow(
    LedgerIntegrityError,
  )
  books.database.close()
})

test('behavior: a payment is open in memory exactly when it is in the file (one that runs would not be ended after a crash)', () => {
  const database = new Database(':memory:')
  migrate(database, 0)
  const deliveries: DeliveryState[] = ['held', 'delivering', 'delivered', 'failed', 'void']
  const moneys: MoneyState[] = [
    'held',
    'settling',
    'unknown',
    'captured',
    'settled',
    'credited',
    'refunded',
    'lost',
    'void',
  ]
  const insert = database.prepare(
    `INSERT INTO payments (id, family, repeat, fingerprint, rail, dialect, wallet, route, asset, amount, charged, earns,
       delivery, money, created_at, updated_at)
     VALUES (?, ?, 0, 'call', 'charge', 'mpp', 'w', 'r', 'a', '1', '0', 'revenue:r', ?, ?, 1, 1)`,
  )
  for (const delivery of deliveries)
    for (const money of moneys)
      if ((delivery === 'void') === (money === 'void'))
        insert.run(`${delivery}/${money}`, `${delivery}/${money}`, delivery, money)
  const rows = database
    .prepare<[], { delivery: DeliveryState; money: MoneyState; open: number }>(
      'SELECT delivery, money, open FROM payments',
    )
    .all()
  expect(rows).toHaveLength(33)
  for (const row of rows) expect({ ...row, open: isOpen(row) }).toEqual({ ...row, open: row.open === 1 })
  database.close()
})
