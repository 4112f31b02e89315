import { zstdCompressSync } from 'node:zlib'
import Database from 'better-sqlite3'
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { onceKey } from '../../../gateway/ledger/payment-id.ts'
import { nameOfCall } from '../../../gateway/ledger/sqlite/history/names.ts'
import { type Segment, unpack } from '../../../gateway/ledger/sqlite/history/segments.ts'
import { alice, bob, channelId, violations } from '../fixtures.ts'
import { tamper } from '../tamper.ts'
import { pastLedger } from './past-ledger.ts'

/** Whoever changes the file itself is found out by the audit. */
describe('someone who has the file of a history', () => {
  const past = pastLedger()
  const { byBalance, byVoucher, settle, rollUp } = past
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
      const text = JSON.stringify(contentOf(past.path, number))
      database
        .prepare('UPDATE history SET body = ? WHERE segment = ?')
        .run(zstdCompressSync(edit(text)), number)
    }

  test('error: the schema lets nobody change or delete it, nor a row that is not in it', async () => {
    await byBalance('pay_03')
    await past.ledger.close()
    const database = new Database(past.path)
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
    await past.reopen()
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
    ['changes who called', segment((text) => text.replaceAll(alice, bob)), /segment 1 of the history is not/],
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
    tamper(
      past.path,
      (database) => void database.prepare('DELETE FROM history_names WHERE name = ?').run(call),
    )
    expect((await violations(past.ledger)).join('\n')).toMatch(/payment pay_06 .* its call to null/)
  })

  test('error: gives a transfer no number, which hides nothing of what comes after it', async () => {
    await byBalance('pay_03')
    await rollUp()
    const [later] = past.inFile<{ segment: number }>(
      'SELECT max(segment) AS segment FROM history WHERE payment_count > 0',
    )
    tamper(past.path, (database) => {
      segment((text) => text.replaceAll(/"id":\d+,/g, '"id":"none",'))(database)
      segment((text) => text.replace('"charged":"10"', '"charged":"9"'), later?.segment)(database)
    })
    const { laws } = await past.ledger.audit()
    const named = laws.flatMap((law) => law.violations).join('\n')
    expect(named).toMatch(/payment pay_03 is charged 9; its transfers sum to 10/)
  })

  test.each(cases)('error: %s, and the audit names it', async (_, change, names) => {
    tamper(past.path, change)
    expect((await violations(past.ledger)).join('\n')).toMatch(names)
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
