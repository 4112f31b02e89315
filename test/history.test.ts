import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import Database from 'better-sqlite3'
import { beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import { createHistory } from '../gateway/history.ts'
import type { Ledger } from '../gateway/ledger/Ledger.ts'
import { openSqliteLedger } from '../gateway/ledger/sqlite/open-sqlite-ledger.ts'
import { alice, balanceClaim, testClock, topUp } from './ledger/fixtures.ts'
import { testFolder } from './ledger/test-folder.ts'

const day = 86_400_000

describe('createHistory', () => {
  const clock = testClock()
  let ledger: Ledger
  let path: string
  beforeEach(async () => {
    path = join(testFolder(), 'ledger.sqlite')
    ledger = await openSqliteLedger({ path, clock })
    onTestFinished(() => ledger.close())
    await topUp(ledger, alice, 10_000n)
    const ids = Array.from({ length: 150 }, (_, n) => `pay_0${String(n).padStart(3, '0')}`)
    await Promise.all(
      ids.map(async (id) => {
        await ledger.claim(balanceClaim(id, { now: clock.now() }))
        await ledger.capture({ paymentId: id, amount: 10n, complete: true })
      }),
    )
    await ledger.audit()
  })
  const segments = () => {
    const database = new Database(path, { readonly: true })
    const { many } = database
      .prepare<[], { many: number }>('SELECT count(*) AS many FROM history WHERE payment_count > 0')
      .get() ?? {
      many: 0,
    }
    database.close()
    return many
  }
  const prepare = async () => {}
  const failed = (error: unknown) => expect(error).toBeUndefined()

  test('default: rolls up what is old, all of it, and nothing younger', async () => {
    const history = createHistory({ ledger, clock, leads: () => true, days: 30, prepare, failed })
    clock.advance(30 * day)
    history.start()
    // A turn of the event loop, in which it begins.
    await setImmediate()
    await history.stop()
    expect(segments()).toBe(0)
    clock.advance(2 * day)
    history.start()
    await vi.waitFor(() => expect(segments()).toBe(2))
    await history.stop()
  })

  test('behavior: stops between two parts, not after the last (a stop must not wait for a year of calls)', async () => {
    clock.advance(32 * day)
    let stopped: Promise<void> | null = null
    const rollUp = async (before: number) => {
      const more = await ledger.rollUp(before)
      stopped ??= history.stop()
      return more
    }
    const history = createHistory({ ledger: { rollUp }, clock, leads: () => true, days: 30, prepare, failed })
    history.start()
    await vi.waitFor(() => expect(stopped).not.toBeNull())
    await stopped
    expect(segments()).toBe(1)
  })

  test('behavior: looks after what is kept beside calls is forgotten (what is kept would stay)', async () => {
    clock.advance(32 * day)
    const seen: number[] = []
    const prepare = async () => void seen.push(segments())
    const history = createHistory({ ledger, clock, leads: () => true, days: 30, prepare, failed })
    history.start()
    await vi.waitFor(() => expect(segments()).toBe(2))
    await history.stop()
    expect(seen).toEqual([0])
  })

  test('behavior: leaves it to the gateway that leads', async () => {
    clock.advance(32 * day)
    const history = createHistory({ ledger, clock, leads: () => false, days: 30, prepare, failed })
    history.start()
    // A turn of the event loop, in which it begins.
    await setImmediate()
    await history.stop()
    expect(segments()).toBe(0)
  })
})
