import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { dumpSchema } from '../../../gateway/ledger/sqlite/dump-schema.ts'
import { migrate } from '../../../gateway/ledger/sqlite/migrate.ts'

const root = join(import.meta.dirname, '../../../gateway/ledger/sqlite')

/** Every statement in the sources, by the file that declares it. All are static templates: none is missed. */
function statements(): { file: string; text: string }[] {
  return readdirSync(root, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .flatMap((file) =>
      [...readFileSync(join(root, file), 'utf8').matchAll(/= sql(?:<[^`]*>)?`([^`]+)`/g)].map(([, text]) => ({
        file,
        text: text ?? '',
      })),
    )
}

describe('schema', () => {
  let database: Database.Database
  beforeAll(() => {
    database = new Database(':memory:')
    database.pragma('foreign_keys = ON')
    migrate(database, 0)
  })
  afterAll(() => void database.close())

  test('default: schema.sql is what the migrations make', () => {
    expect(readFileSync(join(root, 'schema.sql'), 'utf8')).toBe(dumpSchema())
  })

  const declared = statements()
  test('behavior: the list of statements is whole', () => {
    expect(declared.length).toBeGreaterThan(50)
    expect(declared.filter(({ text }) => text.includes('${'))).toEqual([])
  })

  test.each(declared.filter(({ file }) => !file.startsWith('audit')))(
    'behavior: $file stays on an index as the books grow: $text',
    ({ text }) => {
      const values = [...text.matchAll(/\?/g)].map(() => null)
      const plan = database.prepare<null[], { detail: string }>(`EXPLAIN QUERY PLAN ${text}`).all(...values)
      expect(plan.filter(({ detail }) => detail.startsWith('SCAN'))).toEqual([])
    },
  )

  // An index is no help where it leads to every row that is not over: a poll then stands still for a second with a million
  // channels. Only who asks for all of them may (`byEnd` in
  // list-channels.ts), or walks over them a page at a time.
  const everything = /channels_by_end \((?!.*\(opened_at,id\)>)|withdrawals_by_asset \(asset=\?\)$/
  test.each(
    declared.filter(({ file, text }) => !file.startsWith('audit') && !/\bWHERE finalized IN/.test(text)),
  )('behavior: $file looks only at what it asks for: $text', ({ text }) => {
    const values = [...text.matchAll(/\?/g)].map(() => null)
    const plan = database.prepare<null[], { detail: string }>(`EXPLAIN QUERY PLAN ${text}`).all(...values)
    expect(plan.filter(({ detail }) => everything.test(detail))).toEqual([])
  })

  // A list of three or more after IN, in a rule of the schema, is put into a table of its own for each row that is written.
  const hot = /^\s*(?:INSERT INTO|UPDATE) (?:accounts|answers|channels|events|exposure|payments|transfers)\b/
  test.each(declared.filter(({ text }) => hot.test(text)))(
    'behavior: builds no table to write a row: $text',
    ({ text }) => {
      const values = [...text.matchAll(/\?/g)].map(() => null)
      const program = database.prepare<null[], { opcode: string }>(`EXPLAIN ${text}`).all(...values)
      expect(program.filter(({ opcode }) => opcode === 'OpenEphemeral')).toEqual([])
    },
  )

  test('behavior: statements of the audit compile', () => {
    for (const { text } of declared) expect(() => database.prepare(text)).not.toThrow()
  })

  describe('rules that hold without the code', () => {
    const account =
      (name: string, posted: string, pending = '0') =>
      () =>
        database.prepare('INSERT INTO accounts VALUES (?, ?, ?, ?)').run(name, 'asset', posted, pending)

    test('error: an account below zero, or a hold above the balance (law 2)', () => {
      expect(account('wallet:0xa', '-1')).toThrow(/sign/)
      expect(account('treasury', '1')).toThrow(/sign/)
      expect(account('wallet:0xa', '9', '10')).toThrow(/held/)
      expect(account('wallet:0xa', '10', '9')).not.toThrow()
    })

    test('error: an amount that is not a canonical decimal', () => {
      for (const wrong of ['', '01', '1.5', '1e3', '-0', '--1', '0x10', ' 1'])
        expect(account('wallet:0xb', wrong), wrong).toThrow(/CHECK/)
    })

    test('error: a channel out of order, or one that shrinks (law 3)', () => {
      const insert = database.prepare(
        `INSERT INTO channels (id, chain_id, escrow, payer, payee, token, asset, signer, deposit, accepted, spent,
           settled, finalized, opened_at, last_used_at, unsettled_since)
         VALUES (?, 1, '', '', '', '', '', '', ?, ?, ?, ?, 0, 0, 0, 0)`,
      )
      expect(() => insert.run('a', '9', '10', '5', '1')).toThrow(/accepted_within_deposit/)
      expect(() => insert.run('a', '10', '9', '10', '1')).toThrow(/spent_within_accepted/)
      expect(() => insert.run('a', '100', '90', '9', '10')).toThrow(/settled_within_spent/)
      insert.run('a', '100', '90', '50', '10')
      for (const shrink of ["deposit = '99'", "accepted = '89'", "spent = '9'", "settled = '9'"])
        expect(() => database.exec(`UPDATE channels SET ${shrink} WHERE id = 'a'`), shrink).toThrow(/grows/)
    })

    test('error: a transfer that is changed, deleted, between the wrong accounts, or booked twice for one movement (law 4)', () => {
      account('treasury', '0')()
      account('loss', '0')()
      const insert = (log: number, from = 'treasury') =>
        database.exec(
          `INSERT INTO transfers (debit, credit, asset, amount, kind, channel_id, chain_id, tx, log_index, block,
             created_at) VALUES ('${from}', 'channel:a', 'asset', '5', 'settle', 'a', 1, '0x1', ${log}, 1, 1)`,
        )
      insert(1)
      expect(() => insert(1)).toThrow(/UNIQUE/)
      expect(() => insert(2, 'loss')).toThrow(/entry/)
      expect(() => database.exec("UPDATE transfers SET amount = '6'")).toThrow(/counter-entry/)
      expect(() => database.exec('DELETE FROM transfers')).toThrow(/counter-entry/)
    })

    test('error: a delivered payment that is taken back, or a key used twice (law 5)', () => {
      const insert = (id: string, repeat: number) =>
        database.exec(
          `INSERT INTO payments (id, family, repeat, fingerprint, rail, dialect, wallet, route, asset, amount,
             charged, earns, delivery, money, created_at, updated_at)
           VALUES ('${id}', 'k', ${repeat}, 'f', 'balance', 'mpp', 'w', 'r', 'asset', '5', '5', 'revenue:r',
             'delivered', 'captured', 1, 1)`,
        )
      insert('p', 0)
      expect(() => insert('q', 0)).toThrow(/UNIQUE/)
      expect(() => database.exec("UPDATE payments SET delivery = 'failed'")).toThrow(/stays delivered/)
      expect(() => database.exec("UPDATE payments SET family = 'other'")).toThrow(/keeps its id/)
      expect(() => database.exec('DELETE FROM payments')).toThrow(/never deleted/)
    })
  })
})
