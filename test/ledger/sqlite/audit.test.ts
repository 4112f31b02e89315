import { join } from 'node:path'
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import type { Ledger } from '../../../gateway/ledger/Ledger.ts'
import { openSqliteLedger } from '../../../gateway/ledger/sqlite/open-sqlite-ledger.ts'
import { alice, balanceClaim, chainRef, channelClaim, channelId, openChannel, topUp } from '../fixtures.ts'
import { tamper } from '../tamper.ts'
import { testFolder } from '../test-folder.ts'

describe('audit', () => {
  let ledger: Ledger
  let path: string
  beforeEach(async () => {
    path = join(testFolder(), 'ledger.sqlite')
    ledger = await openSqliteLedger({ path })
    onTestFinished(() => ledger.close())
    await topUp(ledger, alice, 100n)
    await ledger.claim(balanceClaim('held'))
    await ledger.claim(balanceClaim('paid'))
    await ledger.capture({ paymentId: 'paid', amount: 10n, complete: true })
    await openChannel(ledger)
    await ledger.claim(channelClaim('call', 10n))
    await ledger.capture({ paymentId: 'call', amount: 10n, complete: true })
    await ledger.channelSettled({ id: channelId, cumulative: 10n, ref: chainRef(), now: 1 })
  })

  const broken = async () =>
    (await ledger.audit()).laws
      .filter(({ holds }) => !holds)
      .map(({ law, violations }) => ({ law, violations }))

  test('default: counts what it checked, and every law holds', async () => {
    const { balanced, laws, trail: _, ...counts } = await ledger.audit()
    expect(balanced).toBe(true)
    expect(laws.map(({ law, holds }) => [law, holds])).toEqual([1, 2, 3, 4, 5].map((law) => [law, true]))
    expect(counts).toEqual({ payments: 4, channels: 1, transfers: 5, waiting: 0 })
  })

  const cases: [what: string, statement: string, law: number, names: RegExp][] = [
    ['a balance', "UPDATE accounts SET posted = '91' WHERE name GLOB 'wallet:*'", 1, /account wallet:0x7099/],
    [
      'a transfer',
      "UPDATE transfers SET amount = '11' WHERE payment_id = 'paid'",
      1,
      /account revenue:weather/,
    ],
    ['a transfer that is gone', "DELETE FROM transfers WHERE kind = 'settle'", 1, /treasury/],
    ['a balance below zero', "UPDATE accounts SET posted = '-3' WHERE name GLOB 'wallet:*'", 2, /is at -3/],
    [
      'a reserve',
      "UPDATE accounts SET pending = '0' WHERE name GLOB 'wallet:*'",
      2,
      /reserves 0; its holds sum to 10/,
    ],
    [
      'a hold that is gone',
      "UPDATE payments SET holds = '[]' WHERE id = 'held'",
      2,
      /payment held is held; its holds miss 10/,
    ],
    [
      'a hold of a payment that has ended',
      `UPDATE payments SET holds = '[["wallet:w","5"]]' WHERE id = 'paid'`,
      2,
      /payment paid is delivered\/captured and holds 5[\s\S]*account wallet:w .* is missing; its holds sum to 5/,
    ],
    [
      'a hold that nobody can read',
      "UPDATE payments SET holds = 'all' WHERE id = 'held'",
      2,
      /payment held has holds that cannot be read/,
    ],
    ['a counter', "UPDATE channels SET settled = '11'", 3, /settled 11, spent 10/],
    ['a voucher', `UPDATE channels SET vouchers = '[["99","0x"]]'`, 3, /keeps voucher 99 above accepted 10/],
    [
      'a voucher out of its place',
      `UPDATE channels SET vouchers = '[["5","0x"],["5","0x"]]'`,
      3,
      /keeps voucher 5 after 5/,
    ],
    [
      'a voucher that nobody can read',
      "UPDATE channels SET vouchers = '['",
      3,
      /vouchers that cannot be read/,
    ],
    ["a channel's balance", "UPDATE channels SET prepaid = '7'", 1, /account prepaid:0x[^ ]+ [^ ]+ says 7/],
    ["a channel's balance", "UPDATE channels SET owed = '7'", 3, /prepaid 0, not 0; owed 7, not 0/],
    ["a channel's reserve", "UPDATE channels SET reserved = '7'", 2, /reserves 7; its holds sum to 0/],
    ["a channel's last spending", 'UPDATE channels SET last_spend = NULL', 3, /last spent by transfer null/],
    [
      'the spending before one',
      "UPDATE transfers SET previous = 1 WHERE kind = 'capture' AND channel_id IS NOT NULL",
      3,
      /follows 1; before it channel .* spent by null/,
    ],
    [
      'a reference',
      "UPDATE transfers SET tx = NULL WHERE kind = 'charge'",
      4,
      /\(charge\) and its chain reference/,
    ],
    ['a settled payment', "UPDATE payments SET tx = '0x0' WHERE rail = 'charge'", 4, /with 0 entries/],
    [
      'a charge',
      "UPDATE payments SET charged = '3' WHERE id = 'paid'",
      5,
      /payment paid is charged 3; its transfers sum/,
    ],
    [
      'a state',
      "UPDATE payments SET delivery = 'failed' WHERE id = 'paid'",
      5,
      /payment paid failed and is captured/,
    ],
  ]
  test.each(cases)('error: %s that was changed by hand is named', async (_, statement, law, names) => {
    tamper(path, statement)
    const found = (await broken()).find((one) => one.law === law)
    expect(found?.violations.join('\n')).toMatch(names)
  })

  test('error: a key that has bought two calls is named, also where the schema no longer forbids it', async () => {
    tamper(
      path,
      `CREATE TABLE free AS SELECT * FROM payments;
      UPDATE free SET (family, repeat, key) = (SELECT family, repeat, key FROM payments WHERE id = 'paid') WHERE id = 'held';
      DROP TABLE payments;
      ALTER TABLE free RENAME TO payments`,
    )
    const found = (await broken()).find(({ law }) => law === 5)
    expect(found?.violations.join('\n')).toMatch(/key .*paid has 2 payments/)
  })
})
