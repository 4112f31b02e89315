import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { copyFileSync } from 'node:fs'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import type { Ledger } from '../../../gateway/ledger/Ledger.ts'
import { LedgerPathError } from '../../../gateway/ledger/sqlite/connect.ts'
import { OlderSchemaError } from '../../../gateway/ledger/sqlite/migrate.ts'
import { openSqliteLedger } from '../../../gateway/ledger/sqlite/open-sqlite-ledger.ts'
import { plain } from '../../../gateway/ledger/sqlite/trail/append.ts'
import { genesis, parseAnchor } from '../../../gateway/ledger/sqlite/trail/Event.ts'
import { jcs } from '../../../gateway/protocol/Encoding.ts'
import {
  alice,
  balanceClaim,
  chainRef,
  channelClaim,
  channelId,
  chargeClaim,
  openChannel,
  signature,
  topUp,
  violations,
} from '../fixtures.ts'
import { tamper } from '../tamper.ts'
import { testFolder } from '../test-folder.ts'

type Row = {
  seq: number
  at: number
  kind: string
  subject: string
  body: string
  prev_hash: string
  hash: string
}

/** Written to its tables at once, so that each operation is an event of its own. */
describe('trail', () => {
  let ledger: Ledger
  let path: string
  beforeEach(async () => {
    path = join(testFolder(), 'ledger.sqlite')
    ledger = await openSqliteLedger({ path, fold: { groups: 0 } })
    onTestFinished(() => ledger.close())
  })

  const rows = (): Row[] => {
    const database = new Database(path, { readonly: true })
    const found = database.prepare<[], Row>('SELECT * FROM events ORDER BY seq').all()
    database.close()
    return found
  }
  const kinds = () => rows().map(({ kind }) => kind)

  /** One of everything. */
  async function history(): Promise<void> {
    await topUp(ledger, alice, 100n)
    await ledger.claim(balanceClaim('paid'))
    await ledger.capture({ paymentId: 'paid', amount: 10n })
    await ledger.complete('paid')
    await ledger.claim(balanceClaim('void'))
    await ledger.void('void', `The upstream sent ${signature}.`)
    await ledger.claim(chargeClaim('charge'))
    await ledger.settling({ paymentId: 'charge' })
    await ledger.unknown('charge', 'timeout')
    await ledger.settled({ paymentId: 'charge', ref: chainRef(), deliver: 'credit' })
    await openChannel(ledger)
    await ledger.claim(channelClaim('call', 10n))
    await ledger.capture({ paymentId: 'call', amount: 10n, answer: { sealed: new Uint8Array([1, 2, 3]) } })
    const intent = {
      id: 'int',
      chainId: 1,
      kind: 'settle' as const,
      subjects: [channelId],
      from: alice,
      nonce: 1,
    }
    const raw = `0x${'ab'.repeat(200)}` as const
    await ledger.intend({ ...intent, raw, hash: `0x${'cd'.repeat(32)}`, now: 1 })
    await ledger.updateIntent('int', { state: 'sent', now: 2 })
    await ledger.channelSettled({ id: channelId, cumulative: 10n, ref: chainRef(), now: 1 })
    await ledger.closeRequested(channelId, 77)
    await ledger.channelFinalized(channelId)
    await ledger.createSession({ tokenHash: 'c0ffee', wallet: alice, chainId: 1, createdAt: 1, expiresAt: 2 })
    await ledger.note({ kind: 'audit-ran', body: { clean: true } })
  }

  test('default: an operation that nothing waits with is one event, and the chain of hashes holds', async () => {
    await history()
    expect(kinds()).toEqual([
      'admin:trail-began',
      'claim',
      'settled',
      'claim',
      'capture',
      'complete',
      'claim',
      'void',
      'claim',
      'settling',
      'unknown',
      'settled',
      'channel-seen',
      'claim',
      'capture',
      'intent',
      'intent-followed',
      'channel-settled',
      'close-requested',
      'channel-finalized',
      'session',
      'admin:audit-ran',
    ])
    const last = rows().at(-1)
    expect((await ledger.audit()).trail).toEqual({
      holds: true,
      violations: [],
      brokenAt: null,
      events: 22,
      head: { seq: 22, hash: last?.hash },
    })
    expect(await violations(ledger)).toEqual([])
  })

  test('behavior: anybody can make the hashes again, with sha256 and canonical JSON alone', async () => {
    await history()
    let previous = genesis
    for (const { seq, at, kind, subject, body, prev_hash, hash } of rows()) {
      expect(prev_hash).toBe(previous)
      expect(jcs(JSON.parse(body)), kind).toBe(body)
      const text = jcs({ seq, at, kind, subject, body: JSON.parse(body) })
      expect(
        createHash('sha256')
          .update(previous + text)
          .digest('hex'),
      ).toBe(hash)
      previous = hash
    }
    const [first] = rows()
    const shell = spawnSync('sh', [
      '-c',
      'printf "%s%s" "$1" "$2" | sha256sum',
      'sh',
      genesis,
      firstText(first),
    ])
    expect(String(shell.stdout).slice(0, 64)).toBe(first?.hash)
  })

  const firstText = (row: Row | undefined) =>
    row === undefined
      ? ''
      : jcs({ at: row.at, body: JSON.parse(row.body), kind: row.kind, seq: row.seq, subject: row.subject })

  test('behavior: a body never holds a signature, a signed transaction, a token or an answer', async () => {
    await history()
    const text = JSON.stringify(rows())
    for (const secret of [signature.slice(2), 'ab'.repeat(100), 'c0ffee']) expect(text).not.toContain(secret)
    expect(plain(`a ${signature} b`)).toBe('a … b')
    expect(plain('\ud800'.padEnd(999, ' x'))).toHaveLength(300)
  })

  test('behavior: what changed nothing leaves no event (a replay, a refusal, the same news again)', async () => {
    await openChannel(ledger)
    await ledger.claim(channelClaim('call', 10n))
    const before = kinds().length
    await openChannel(ledger)
    await ledger.claim(channelClaim('call', 10n, { key: 'other', id: 'other', amount: 9_999n } as never))
    await ledger.acceptVoucher({ channelId, cumulative: 10n, signature, minDelta: 0n, now: 1 })
    await expect(ledger.capture({ paymentId: 'nobody', amount: 1n })).rejects.toThrow()
    expect(kinds()).toHaveLength(before)
  })

  test('behavior: a voucher that is accepted and not enough is an event all the same', async () => {
    await openChannel(ledger)
    await ledger.claim(channelClaim('call', 10n, { amount: 99n }))
    expect(kinds().at(-1)).toBe('voucher')
    expect(await violations(ledger)).toEqual([])
  })

  test('behavior: two processes on one file write one chain', async () => {
    const other = await openSqliteLedger({ path })
    for (let n = 0; n < 40; n += 2)
      await Promise.all([
        ledger.claim(balanceClaim(`p${n}`, { amount: 0n })),
        other.claim(balanceClaim(`p${n + 1}`, { amount: 0n })),
      ])
    expect((await other.audit()).trail).toMatchObject({ holds: true, events: 41 })
    await other.close()
  })

  test('behavior: what is committed together is one event, which states each operation and every transfer', async () => {
    await topUp(ledger, alice, 100n)
    const before = (await ledger.audit()).trail.events
    const ids = ['a', 'b', 'c']
    await Promise.all(ids.map((id) => ledger.claim(balanceClaim(id))))
    expect((await ledger.audit()).trail.events).toBe(before + 1)
    await Promise.all([
      ...ids.map((paymentId) => ledger.capture({ paymentId, amount: 10n, complete: true })),
      ledger.capture({ paymentId: 'nobody', amount: 1n }).catch(() => null),
    ])
    expect((await ledger.audit()).trail).toMatchObject({ holds: true, events: before + 2 })
    const last = rows().at(-1)
    expect(last).toMatchObject({ kind: 'group', subject: '' })
    const body = JSON.parse(String(last?.body))
    expect(jcs(body)).toBe(last?.body)
    expect(
      body.events.map(({ kind, subject }: { kind: string; subject: string }) => [kind, subject]),
    ).toEqual(ids.map((id) => ['capture', id]))
    expect(body.transfers).toHaveLength(3)
  })

  test('behavior: notes are read back, newest first', async () => {
    await ledger.note({ kind: 'gateway-started', body: { config: 'a' } })
    await ledger.note({ kind: 'gateway-started', body: { config: 'b' } })
    expect((await ledger.notes('gateway-started', 9)).map(({ body }) => body.config)).toEqual(['b', 'a'])
  })

  describe('someone who has the file', () => {
    const cases: [what: string, statement: string, at: number | null, names: RegExp][] = [
      [
        'changes an event',
        `UPDATE events SET body = '{}' WHERE seq = 5`,
        5,
        /event 5 \(capture\) does not have the hash/,
      ],
      ['deletes an event', 'DELETE FROM events WHERE seq = 5', 5, /event 5 is missing: 4 is followed by 6/],
      ['deletes the first event', 'DELETE FROM events WHERE seq = 1', 1, /event 1 is missing/],
      ['moves an event in time', 'UPDATE events SET at = at + 1 WHERE seq = 3', 3, /event 3/],
      [
        'swaps two events',
        'UPDATE events SET seq = -seq WHERE seq IN (4, 5); UPDATE events SET seq = 9 + seq WHERE seq < 0',
        4,
        /event 4/,
      ],
      [
        'changes a transfer and the balances with it',
        `UPDATE transfers SET amount = '11' WHERE payment_id = 'paid'`,
        5,
        /transfer \d+ is not what event 5 states/,
      ],
      [
        'deletes a transfer',
        `DELETE FROM transfers WHERE payment_id = 'paid'`,
        5,
        /transfer \d+, which event 5 states, is not in the books/,
      ],
      [
        'books a transfer that nobody made',
        `INSERT INTO transfers (debit, credit, asset, amount, kind, payment_id, created_at)
         SELECT debit, credit, asset, '5', kind, payment_id, 1 FROM transfers WHERE payment_id = 'paid'`,
        null,
        /transfer \d+ \(capture\) has no event in the trail/,
      ],
    ]
    test.each(cases)('error: %s: the audit names it', async (_, statement, at, names) => {
      await history()
      tamper(path, statement)
      const { trail } = await ledger.audit()
      expect(trail.holds).toBe(false)
      expect(trail.brokenAt).toBe(at)
      expect(trail.violations.join('\n')).toMatch(names)
    })

    test('error: cuts the end off, or makes history anew: an anchor from outside shows it, and nothing else does', async () => {
      await ledger.note({ kind: 'audit-ran' })
      const anchor = (await ledger.audit()).trail.head
      if (anchor === null) throw new Error('There is no head.')
      expect((await ledger.audit({ anchor })).trail.holds).toBe(true)
      tamper(path, `DELETE FROM events WHERE seq = ${anchor.seq}`)
      expect((await ledger.audit()).trail.holds).toBe(true)
      const cut = (await ledger.audit({ anchor })).trail
      expect(cut.brokenAt).toBe(anchor.seq)
      expect(cut.violations).toEqual([expect.stringMatching(/is not in the trail, which ends at event 1/)])
      await ledger.note({ kind: 'audit-ran', body: { other: true } })
      const anew = (await ledger.audit({ anchor })).trail
      expect(anew.violations).toEqual([expect.stringMatching(/history was made anew/)])
    })

    test('error: the schema refuses to change, delete, replace or skip an event', async () => {
      await history()
      const database = new Database(path)
      const copy = 'SELECT at, kind, subject, body, prev_hash, hash FROM events WHERE seq = 3'
      for (const [statement, says] of [
        [`UPDATE events SET kind = 'x' WHERE seq = 3`, /never changed/],
        ['DELETE FROM events', /never deleted/],
        [`INSERT OR REPLACE INTO events SELECT 3, * FROM (${copy})`, /follows the last/],
        [`INSERT INTO events SELECT 99, * FROM (${copy})`, /follows the last/],
        [`INSERT INTO events SELECT 23, * FROM (${copy})`, /follows the last/],
      ] as const)
        expect(() => database.exec(statement), statement).toThrow(says)
      database.close()
    })
  })

  describe('books older than their trail', () => {
    test('behavior: the trail begins where it is first opened, and holds', async () => {
      await history()
      const old = join(testFolder(), 'old.sqlite')
      await ledger.close()
      copyFileSync(path, old)
      const database = new Database(old)
      database.exec('DROP TRIGGER events_stay; DELETE FROM events')
      database.exec(
        "CREATE TRIGGER events_stay BEFORE DELETE ON events BEGIN SELECT RAISE(ABORT, 'an event is never deleted'); END",
      )
      database.close()
      const again = await openSqliteLedger({ path: old })
      onTestFinished(() => again.close())
      await topUp(again, alice, 5n)
      expect((await again.audit()).trail).toMatchObject({ holds: true, events: 3 })
    })
  })

  describe('readonly', () => {
    test('default: audits beside the writer, and writes nothing', async () => {
      await history()
      const reader = await openSqliteLedger({ path, readonly: true })
      expect((await reader.audit()).trail).toMatchObject({ holds: true, events: 22 })
      await expect(reader.note({ kind: 'audit-ran' })).rejects.toThrow(/not writable/)
      await reader.close()
      expect(kinds()).toHaveLength(22)
    })

    test('error: a file that is not there, or is older than the code, is left as it is', async () => {
      await expect(openSqliteLedger({ path: `${path}.none`, readonly: true })).rejects.toThrow(
        LedgerPathError,
      )
      const old = join(testFolder(), 'old.sqlite')
      const database = new Database(old)
      database.pragma(`application_id = ${0x66727468}`)
      database.exec(
        'CREATE TABLE migrations (version INTEGER PRIMARY KEY, name TEXT, hash TEXT, applied_at INTEGER)',
      )
      database.close()
      await expect(openSqliteLedger({ path: old, readonly: true })).rejects.toThrow(OlderSchemaError)
    })
  })

  test('error: an anchor that is none is refused with the form it must have', () => {
    const anchor = { seq: 12, hash: 'ab'.repeat(32) }
    expect(parseAnchor(`${anchor.seq}:${anchor.hash}`)).toEqual(anchor)
    for (const wrong of ['', '12', `0:${anchor.hash}`, `12:${anchor.hash}0`, `-1:${anchor.hash}`])
      expect(() => parseAnchor(wrong), wrong).toThrow(/SEQ:HASH/)
  })
})
