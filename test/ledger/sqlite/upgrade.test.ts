import { copyFileSync, mkdirSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { expect, onTestFinished, test } from 'vitest'
import * as Account from '../../../gateway/ledger/Account.ts'
import { migrate, migrations } from '../../../gateway/ledger/sqlite/migrate.ts'
import { openSqliteLedger } from '../../../gateway/ledger/sqlite/open-sqlite-ledger.ts'
import { alice, asset, chainId, chainRef, channelId, payee, token } from '../fixtures.ts'
import { testFolder } from '../test-folder.ts'

const unused = `0x${'d0'.repeat(32)}` as const
const [first, last] = [`0x${'01'.repeat(65)}`, `0x${'02'.repeat(65)}`] as const

/** Empty books as they were before a migration. */
function booksBefore(migration: string): Database.Database {
  const folder = testFolder()
  const older = join(folder, 'older')
  mkdirSync(older)
  for (const name of readdirSync(migrations))
    if (name < migration) copyFileSync(join(migrations, name), join(older, name))
  const database = new Database(join(folder, 'ledger.sqlite'))
  migrate(database, 1, older)
  return database
}

/** Books of the version before holds stood in their payments and balances in their channels: two calls paid, one in flight. */
function olderBooks(): string {
  const database = booksBefore('0012')
  const [own, prepaid] = [Account.channel(channelId), Account.prepaid(channelId)]
  const opened = `1, '${payee}', '${alice}', '${payee}', '${token}', '${asset}', '${alice}'`
  database.exec(`
    INSERT INTO channels (id, chain_id, escrow, payer, payee, token, asset, signer, deposit, settled, accepted, spent,
      voucher_cumulative, voucher_signature, finalized, opened_at, unsettled_since, last_used_at)
    VALUES ('${channelId}', ${opened}, '100', '5', '30', '20', '30', '${last}', 0, 1, 1000, 2000),
      ('${unused}', ${opened}, '100', '0', '0', '0', NULL, NULL, 0, 2, NULL, 2);
    INSERT INTO accounts VALUES ('treasury', '${asset}', '-5', '0'), ('${own}', '${asset}', '-25', '0'),
      ('${prepaid}', '${asset}', '10', '4'), ('revenue:r', '${asset}', '20', '0');
    INSERT INTO payments (id, family, repeat, fingerprint, rail, dialect, wallet, route, asset, amount, charged, earns, delivery,
      money, channel_id, cumulative, created_at, updated_at)
    VALUES ('p1', 'k1', 0, 'f', 'channel', 'mpp', '${alice}', 'r', '${asset}', '9', '9', 'revenue:r', 'delivered', 'captured',
        '${channelId}', '9', 1000, 1000),
      ('p2', 'k2', 0, 'f', 'channel', 'mpp', '${alice}', 'r', '${asset}', '11', '11', 'revenue:r', 'delivered', 'captured',
        '${channelId}', '30', 2000, 2000),
      ('p3', 'k2', 1, 'f', 'channel', 'mpp', '${alice}', 'r', '${asset}', '4', '0', 'revenue:r', 'held', 'held',
        '${channelId}', '30', 3000, 3000);
    INSERT INTO holds VALUES (1, 'p3', '${prepaid}', '${asset}', '4');
    INSERT INTO vouchers VALUES ('${channelId}', '30', '${last}'), ('${channelId}', '9', '${first}');
    INSERT INTO transfers (id, debit, credit, asset, amount, kind, payment_id, channel_id, created_at)
    VALUES (1, '${own}', '${prepaid}', '${asset}', '9', 'voucher', NULL, '${channelId}', 1000),
      (2, '${prepaid}', 'revenue:r', '${asset}', '9', 'capture', 'p1', '${channelId}', 1000),
      (3, '${own}', '${prepaid}', '${asset}', '21', 'voucher', NULL, '${channelId}', 2000),
      (4, '${prepaid}', 'revenue:r', '${asset}', '11', 'capture', 'p2', '${channelId}', 2000);
    INSERT INTO transfers (id, debit, credit, asset, amount, kind, channel_id, chain_id, tx, log_index, block, created_at)
    VALUES (5, 'treasury', '${own}', '${asset}', '5', 'settle', '${channelId}', ${chainId}, '0x01', 0, 1, 3000);`)
  database.close()
  return database.name
}

test('behavior: books of an older version keep every balance, hold and voucher, and go on (no unit is lost by an upgrade)', async () => {
  const ledger = await openSqliteLedger({ path: olderBooks() })
  onTestFinished(() => ledger.close())
  const violations = async () => (await ledger.audit()).laws.flatMap((law) => law.violations)
  expect(await violations()).toEqual([])
  expect(await ledger.channel(channelId)).toMatchObject({
    deposit: 100n,
    accepted: 30n,
    spent: 20n,
    settled: 5n,
    reserved: 4n,
    voucher: { cumulative: 30n, signature: last },
    unsettledSince: 1000,
  })
  expect(await ledger.balance(Account.prepaid(channelId), asset)).toEqual({ posted: 10n, available: 6n })
  expect(await ledger.balance(Account.channel(channelId), asset)).toEqual({ posted: -25n, available: -25n })
  expect((await ledger.balances()).map(({ account, posted }) => [account, posted])).toEqual([
    [Account.channel(channelId), -25n],
    [Account.prepaid(channelId), 10n],
    ['revenue:r', 20n],
    [Account.treasury, -5n],
  ])
  expect(await ledger.settleable(channelId)).toEqual({ cumulative: 9n, signature: first })
  expect(await ledger.settleable(channelId, { final: true })).toEqual({ cumulative: 30n, signature: last })

  const settled = await ledger.channelSettled({ id: channelId, cumulative: 12n, ref: chainRef(), now: 4000 })
  expect(settled.unsettledSince).toBe(2000)
  await ledger.capture({ paymentId: 'p3', amount: 4n, complete: true })
  expect(await ledger.channel(channelId)).toMatchObject({ spent: 24n, reserved: 0n })
  expect(await ledger.settleable(channelId)).toEqual({ cumulative: 9n, signature: first })
  expect(await violations()).toEqual([])
})

test('behavior: a channel keeps every column when its table is made anew (what it owes, what it missed, why it is suspended)', () => {
  const database = booksBefore('0016')
  const sides = `1, '${payee}', '${alice}', '${payee}', '${token}', '${asset}', '${alice}'`
  const vouchers = JSON.stringify([['30', last]])
  database.exec(`
    INSERT INTO channels (id, chain_id, escrow, payer, payee, token, asset, signer, deposit, settled, accepted, spent, owed, prepaid,
      reserved, vouchers, last_spend, close_requested_at, finalized, opened_at, unsettled_since, last_used_at, suspended,
      deposit_missing, in_debt, taken_back)
    VALUES ('${unused}', ${sides}, '100', '5', '30', '20', '25', '10', '4', '${vouchers}', 7, 11, 0, 1, 12, 13, 'restored', '14', '15', 16),
      ('${channelId}', ${sides}, '100', '0', '0', '0', '0', '0', '0', '[]', NULL, NULL, 1, 2, NULL, 3, NULL, '0', '0', 0)`)
  const channels = () => database.prepare('SELECT * FROM channels ORDER BY id').all()
  const before = channels()
  const columns = Object.entries(before[1] as Record<string, unknown>)
  expect(columns.filter(([, value]) => value === null || value === '0')).toEqual([])
  migrate(database, 2)
  expect(channels()).toEqual(before)
  const remove = () => database.exec(`DELETE FROM channels WHERE id = '${unused}'`)
  expect(remove).toThrow('a channel is never deleted')
  database.close()
})
