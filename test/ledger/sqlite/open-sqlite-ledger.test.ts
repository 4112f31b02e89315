import { chmodSync, copyFileSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { describe, expect, test } from 'vitest'
import { LedgerUnavailableError } from '../../../gateway/ledger/errors.ts'
import { LedgerPathError } from '../../../gateway/ledger/sqlite/connect.ts'
import {
  EditedMigrationError,
  migrate,
  migrations,
  NewerSchemaError,
  NotALedgerError,
} from '../../../gateway/ledger/sqlite/migrate.ts'
import { openSqliteLedger } from '../../../gateway/ledger/sqlite/open-sqlite-ledger.ts'
import { alice, balanceClaim } from '../fixtures.ts'
import { testFolder } from '../test-folder.ts'

/** A folder with the released migrations and one more. */
function withAnother(folder: string, text = 'CREATE TABLE extra (id INTEGER PRIMARY KEY) STRICT;'): string {
  const directory = join(folder, 'migrations')
  mkdirSync(directory)
  for (const name of readdirSync(migrations)) copyFileSync(join(migrations, name), join(directory, name))
  const number = String(readdirSync(directory).length + 1).padStart(4, '0')
  writeFileSync(join(directory, `${number}-extra.sql`), text)
  return directory
}

/** The migrations before one. */
function migrationsBefore(folder: string, first: string): string {
  const directory = join(folder, 'before')
  mkdirSync(directory)
  for (const name of readdirSync(migrations).filter((one) => one < first))
    copyFileSync(join(migrations, name), join(directory, name))
  return directory
}

describe('openSqliteLedger', () => {
  test('default: makes the folder and the file, and finds everything again', async () => {
    const path = join(testFolder(), 'deep', 'er', 'ledger.sqlite')
    const ledger = await openSqliteLedger({ path })
    await ledger.claim(balanceClaim('a', { amount: 0n }))
    await ledger.close()
    const again = await openSqliteLedger({ path })
    expect(await again.payment({ id: 'a' })).toMatchObject({ delivery: 'held' })
    await again.close()
  })

  test('behavior: commits are durable: write-ahead log, full sync, foreign keys', async () => {
    const path = join(testFolder(), 'ledger.sqlite')
    const groups: unknown[] = []
    const ledger = await openSqliteLedger({ path, onCommit: (group) => groups.push(group) })
    await Promise.all([ledger.setCursor(1, 1n), ledger.setCursor(2, 1n)])
    expect(groups).toEqual([{ operations: 2, failed: 0 }])
    const other = new Database(path, { readonly: true })
    expect(other.pragma('journal_mode', { simple: true })).toBe('wal')
    other.close()
    await ledger.close()
  })

  test('error: a path that cannot be written says so', async () => {
    const folder = testFolder()
    writeFileSync(join(folder, 'file'), '')
    await expect(openSqliteLedger({ path: join(folder, 'file', 'ledger.sqlite') })).rejects.toThrow(
      LedgerPathError,
    )
    await expect(openSqliteLedger({ path: folder })).rejects.toThrow(LedgerPathError)
    await expect(openSqliteLedger({ path: folder })).rejects.toThrow(/Fix: /)
  })

  test.skipIf(process.getuid?.() === 0)('error: a file that is read-only says so', async () => {
    const path = join(testFolder(), 'ledger.sqlite')
    await (await openSqliteLedger({ path })).close()
    chmodSync(path, 0o400)
    await expect(openSqliteLedger({ path })).rejects.toThrow(LedgerPathError)
  })

  test("error: another program's file is left alone", async () => {
    const path = join(testFolder(), 'other.sqlite')
    const other = new Database(path)
    other.exec('CREATE TABLE notes (id INTEGER)')
    other.close()
    await expect(openSqliteLedger({ path })).rejects.toThrow(NotALedgerError)
    const text = join(testFolder(), 'notes.txt')
    writeFileSync(text, 'not a database at all '.repeat(100))
    await expect(openSqliteLedger({ path: text })).rejects.toThrow(NotALedgerError)
  })

  test('error: a file of a newer version is refused (an old gateway never writes new books)', async () => {
    const folder = testFolder()
    const path = join(folder, 'ledger.sqlite')
    const newer = new Database(path)
    migrate(newer, 0, withAnother(folder))
    newer.close()
    await expect(openSqliteLedger({ path })).rejects.toThrow(NewerSchemaError)
  })

  test('error: the write lock held past the timeout fails a claim and changes nothing', async () => {
    const path = join(testFolder(), 'ledger.sqlite')
    const ledger = await openSqliteLedger({ path, busyTimeout: 20 })
    const other = new Database(path)
    other.exec('BEGIN IMMEDIATE')
    await expect(ledger.claim(balanceClaim('a', { amount: 0n }))).rejects.toThrow(LedgerUnavailableError)
    expect(await ledger.payment({ id: 'a' })).toBeNull()
    other.exec('ROLLBACK')
    other.close()
    expect((await ledger.claim(balanceClaim('a', { amount: 0n }))).outcome).toBe('fresh')
    await ledger.close()
  })
})

describe('migrate', () => {
  test('default: brings an older file up, once', () => {
    const folder = testFolder()
    const database = new Database(join(folder, 'ledger.sqlite'))
    migrate(database, 1)
    const directory = withAnother(folder)
    for (let n = 0; n < 2; n++) migrate(database, 2, directory)
    const applied = database.prepare('SELECT version, applied_at FROM migrations ORDER BY version').all()
    expect(applied.at(0)).toEqual({ version: 1, applied_at: 1 })
    expect(applied.at(-1)).toEqual({ version: readdirSync(directory).length, applied_at: 2 })
    database.close()
  })

  test('behavior: one that fails leaves the file as it was', () => {
    const folder = testFolder()
    const database = new Database(join(folder, 'ledger.sqlite'))
    migrate(database, 1)
    const broken = withAnother(folder, 'CREATE TABLE half (id INTEGER PRIMARY KEY) STRICT; CREATE NONSENSE;')
    expect(() => migrate(database, 2, broken)).toThrow()
    expect(database.prepare("SELECT name FROM sqlite_schema WHERE name = 'half'").get()).toBeUndefined()
    migrate(database, 3)
    database.close()
  })

  test('behavior: payments that are unknown, and answers that are stored, when doubts come to the books are counted in', async () => {
    const folder = testFolder()
    const path = join(folder, 'ledger.sqlite')
    const database = new Database(path)
    migrate(database, 1, migrationsBefore(folder, '0010'))
    const insert = database.prepare(
      `INSERT INTO payments (id, family, repeat, fingerprint, rail, dialect, wallet, route, asset, amount, charged, earns,
         delivery, money, created_at, updated_at)
       VALUES (?, ?, 0, 'call', 'charge', 'mpp', ?, 'r', 'asset', '5', '0', ?, ?, 'unknown', 1, 1)`,
    )
    insert.run('top-up', 'k1', alice, `wallet:${alice}`, 'held')
    insert.run('answered', 'k2', alice, 'revenue:r', 'delivered')
    insert.run('doubted', 'k3', alice, 'revenue:r', 'held')
    database.exec("INSERT INTO answers VALUES ('answered', x'010203', 1), ('doubted', x'0405', 1)")
    migrate(database, 2)
    expect(database.prepare('SELECT bytes FROM answers_stored').get()).toEqual({ bytes: 5 })
    database.close()
    const ledger = await openSqliteLedger({ path })
    const call = { wallet: alice, fingerprint: 'call', key: 'later' } as const
    expect((await ledger.doubts.find(call))?.payment.id).toBe('doubted')
    await ledger.doubts.forget('doubted')
    expect(await ledger.doubts.find(call)).toBeNull()
    await ledger.close()
  })

  test('behavior: tables that others refer to are made anew with every row, and refuse what they refused', () => {
    const folder = testFolder()
    const database = new Database(join(folder, 'ledger.sqlite'))
    migrate(database, 1, migrationsBefore(folder, '0011'))
    database.exec(`
      INSERT INTO accounts VALUES ('treasury', 'a', '-9', '0'), ('wallet:w', 'a', '4', '2'), ('revenue:r', 'a', '5', '0');
      INSERT INTO payments (id, family, repeat, fingerprint, rail, dialect, wallet, route, asset, amount, charged, earns,
        delivery, money, created_at, updated_at, owner)
      VALUES ('p1', 'k1', 0, 'call', 'balance', 'session', 'w', 'r', 'a', '5', '5', 'revenue:r', 'delivered', 'captured', 1, 2, 'g'),
        ('p2', 'k2', 0, 'call', 'balance', 'session', 'w', 'r', 'a', '2', '0', 'revenue:r', 'held', 'held', 3, 3, NULL);
      INSERT INTO transfers (id, debit, credit, asset, amount, kind, payment_id, created_at)
      VALUES (7, 'wallet:w', 'revenue:r', 'a', '5', 'capture', 'p1', 2);
      INSERT INTO holds VALUES (1, 'p2', 'wallet:w', 'a', '2'), (2, 'p2', 'wallet:w', 'a', '1');
      INSERT INTO answers VALUES ('p1', x'01', 2);`)
    const rows = (table: string) => database.prepare<[], object>(`SELECT * FROM ${table}`).all()
    const [payments, transfers, answers] = [rows('payments'), rows('transfers'), rows('answers')]
    migrate(database, 2)
    const holds = ['[]', '[["wallet:w","2"],["wallet:w","1"]]']
    expect(rows('payments')).toEqual(payments.map((row, index) => ({ ...row, holds: holds[index] })))
    const added = { previous: null, debit_row: 'wallet:w', credit_row: 'revenue:r' }
    expect(rows('transfers')).toEqual(transfers.map((row) => ({ ...row, ...added })))
    expect(rows('answers')).toEqual(answers)
    expect(database.pragma('foreign_key_check')).toEqual([])
    expect(database.pragma('foreign_keys', { simple: true })).toBe(1)
    const refused = [
      'DELETE FROM payments',
      'DELETE FROM transfers',
      "UPDATE payments SET delivery = 'held' WHERE id = 'p1'",
      "UPDATE payments SET money = 'given-away' WHERE id = 'p2'",
      "UPDATE payments SET delivery = 'perhaps' WHERE id = 'p2'",
      "INSERT INTO transfers (debit, credit, asset, amount, kind, payment_id, created_at) VALUES ('wallet:w', 'revenue:r', 'a', '1', 'gift', 'p1', 2)",
      "INSERT INTO transfers (debit, credit, asset, amount, kind, payment_id, created_at) VALUES ('treasury', 'revenue:r', 'a', '1', 'charge', 'p1', 2)",
      "UPDATE payments SET delivery = 'delivered', money = 'captured' WHERE id = 'p2'",
    ]
    for (const sql of refused) expect(() => database.exec(sql), sql).toThrow(/constraint|stays|never/i)
    database.close()
  })

  test('error: a released one that was edited is detected', () => {
    const folder = testFolder()
    const directory = withAnother(folder)
    const database = new Database(join(folder, 'ledger.sqlite'))
    migrate(database, 1, directory)
    const last = readdirSync(directory).sort().at(-1) ?? ''
    writeFileSync(join(directory, last), 'CREATE TABLE extra (id INTEGER PRIMARY KEY, more TEXT) STRICT;')
    expect(() => migrate(database, 2, directory)).toThrow(EditedMigrationError)
    database.close()
  })

  test('error: a gap in the numbers is refused', () => {
    const folder = testFolder()
    const directory = withAnother(folder)
    writeFileSync(join(directory, '0099-late.sql'), 'SELECT 1;')
    const database = new Database(join(folder, 'ledger.sqlite'))
    expect(() => migrate(database, 1, directory)).toThrow(/0099-late/)
    database.close()
  })
})
