import { join } from 'node:path'
import { beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import * as Account from '../../../gateway/ledger/Account.ts'
import type { Ledger } from '../../../gateway/ledger/Ledger.ts'
import { openSqliteLedger } from '../../../gateway/ledger/sqlite/open-sqlite-ledger.ts'
import { alice, asset, balanceClaim, testClock, topUp } from '../fixtures.ts'
import { testFolder } from '../test-folder.ts'
import { countRows } from './count-rows.ts'

const price = { amount: 10n }

/** The promise: what was done does not wait for its tables for ever. */
describe('what waits in the journal', () => {
  let file: string
  let clock: ReturnType<typeof testClock>
  let count: number
  let underWay: string[]
  beforeEach(() => {
    file = join(testFolder(), 'ledger.sqlite')
    clock = testClock()
    count = 0
    underWay = []
  })
  const waits = () => countRows('journal', file)
  const written = () => countRows('payments', file)

  async function openUsual(more: NonNullable<openSqliteLedger.Options['fold']>): Promise<Ledger> {
    const usual = await openSqliteLedger({ path: file, clock, fold: more })
    onTestFinished(() => usual.close())
    await topUp(usual, alice, 1_000n)
    await usual.balance(Account.wallet(alice), asset)
    return usual
  }
  /** Calls that begin in one group. */
  async function group(usual: Ledger, operations: number): Promise<void> {
    const ids = Array.from({ length: operations }, () => `call-${count++}`)
    underWay.push(...ids)
    await Promise.all(ids.map((id) => usual.claim(balanceClaim(id, price))))
  }
  /** All that are under way end, in one group. */
  const end = (usual: Ledger) =>
    Promise.all(underWay.splice(0).map((paymentId) => usual.capture({ paymentId, ...price })))

  test('behavior: what was done is in its table a moment later', async () => {
    const usual = await openUsual({ idleMs: 1 })
    await group(usual, 1)
    await vi.waitFor(() => expect([waits(), written()]).toEqual([0, 2]))
  })

  test('behavior: under load the tables are not written once more for being idle', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    onTestFinished(() => void vi.useRealTimers())
    const usual = await openUsual({ idleMs: 100, groups: 4 })
    await group(usual, 1)
    vi.advanceTimersByTime(99)
    await end(usual)
    vi.advanceTimersByTime(99)
    expect([waits(), written()]).toEqual([2, 1])
    await group(usual, 1)
    await end(usual)
    expect([waits(), written()]).toEqual([0, 3])
    await group(usual, 1)
    vi.advanceTimersByTime(99)
    expect([waits(), written()]).toEqual([1, 3])
    vi.advanceTimersByTime(1)
    expect([waits(), written()]).toEqual([0, 4])
  })

  test('behavior: so many groups wait and no more', async () => {
    const usual = await openUsual({ idleMs: 0, groups: 4 })
    await group(usual, 2)
    await end(usual)
    await group(usual, 5)
    expect([waits(), written()]).toEqual([3, 1])
    await end(usual)
    expect([waits(), written()]).toEqual([0, 8])
    await group(usual, 1)
    expect([waits(), written()]).toEqual([1, 8])
  })

  test('behavior: so many operations wait and no more', async () => {
    const usual = await openUsual({ idleMs: 0, most: 6 })
    await group(usual, 3)
    expect([waits(), written()]).toEqual([1, 1])
    await end(usual)
    expect([waits(), written()]).toEqual([0, 4])
  })

  test('behavior: a group that begins calls leaves it to the one that ends them (rows of calls under way are written twice)', async () => {
    const usual = await openUsual({ idleMs: 0, most: 6 })
    await group(usual, 6)
    expect([waits(), written()]).toEqual([1, 1])
    await end(usual)
    expect([waits(), written()]).toEqual([0, 7])
  })

  test.each([
    ['groups', { groups: 2 }],
    ['operations', { most: 2 }],
  ])('behavior: where calls only begin, twice as many %s wait and no more', async (_, most) => {
    const usual = await openUsual({ idleMs: 0, ...most })
    for (let begun = 1; begun < 4; begun++) await group(usual, 1)
    expect([waits(), written()]).toEqual([3, 1])
    await group(usual, 1)
    expect([waits(), written()]).toEqual([0, 5])
  })

  test('behavior: at the close everything is in its table', async () => {
    const usual = await openUsual({ idleMs: 0 })
    await group(usual, 3)
    expect([waits(), written()]).toEqual([1, 1])
    await usual.close()
    expect([waits(), written()]).toEqual([0, 4])
  })
})
