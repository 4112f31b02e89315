import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import * as Account from '../../../gateway/ledger/Account.ts'
import { LedgerUnavailableError } from '../../../gateway/ledger/errors.ts'
import type { Ledger } from '../../../gateway/ledger/Ledger.ts'
import { openSqliteLedger } from '../../../gateway/ledger/sqlite/open-sqlite-ledger.ts'
import { smallDisk } from '../../faults/Volume.ts'
import {
  alice,
  asset,
  balanceClaim,
  bob,
  chargeClaim,
  revenue,
  testClock,
  topUp,
  violations,
} from '../fixtures.ts'
import { testFolder } from '../test-folder.ts'

/**
 * A full disk while operations wait in the journal: what was promised can be read, nothing is written, and with room again
 * everything goes on. Without it a gateway that is merely full would tell its callers that it is broken.
 */
const why = smallDisk.missing === null ? '' : ` (cannot be had here: ${smallDisk.missing})`
describe.skipIf(smallDisk.missing !== null)(`a full disk under the journal${why}`, () => {
  let place: Parameters<typeof smallDisk.fill>[0]
  let ledger: Ledger

  beforeEach(async () => {
    const directory = testFolder()
    const database = join(smallDisk.make(directory), 'ledger.sqlite')
    place = { directory, database, pid: () => null }
    onTestFinished(() => smallDisk.unmake(place))
    // Nothing is written to its table before somebody asks.
    const fold = { groups: 1_000, most: 1_000_000, idleMs: 0 }
    ledger = await openSqliteLedger({ path: database, clock: testClock(), fold })
    onTestFinished(() => ledger.close())
    await topUp(ledger, alice, 1_000n)
    await ledger.balance(Account.wallet(alice), asset)
    await Promise.all(['one', 'two'].map((id) => ledger.claim(balanceClaim(id))))
    await ledger.capture({ paymentId: 'one', amount: 10n, answer: { sealed: new Uint8Array([7]) } })
  })

  const refused = (id: string) =>
    expect(ledger.claim(balanceClaim(id))).rejects.toBeInstanceOf(LedgerUnavailableError)

  test('behavior: tables are read with what waits: balances, the laws, the trail', async () => {
    smallDisk.fill(place)
    expect(await ledger.balance(Account.wallet(alice), asset)).toEqual({ posted: 990n, available: 980n })
    expect(await ledger.balance(revenue, asset)).toMatchObject({ posted: 10n })
    expect((await ledger.openPayments(10)).map(({ id }) => id)).toEqual(['two'])
    expect(await violations(ledger)).toEqual([])
  })

  test('behavior: what is looked up is found, also after a write was refused and memory was given up', async () => {
    smallDisk.fill(place)
    expect(await ledger.payment({ id: 'one' })).toMatchObject({ money: 'captured' })
    await refused('refused')
    expect(await ledger.payment({ id: 'one' })).toMatchObject({ money: 'captured' })
    expect(await ledger.payment({ key: 'balance:two' })).toMatchObject({ money: 'held' })
    expect(await ledger.payment({ id: 'refused' })).toBeNull()
    expect(await ledger.answer('one')).toEqual({ sealed: new Uint8Array([7]) })
    expect(await ledger.doubts.find({ wallet: alice, fingerprint: 'call', key: 'k' })).toBeNull()
  })

  test('behavior: who is in doubt is found, though it is looked up in tables that lack what waits', async () => {
    await ledger.claim(chargeClaim('charge', { wallet: bob }))
    await ledger.settling({ paymentId: 'charge' })
    await ledger.unknown('charge', 'no answer')
    await ledger.claim(balanceClaim('waits'))
    smallDisk.fill(place)
    const call = { wallet: bob, fingerprint: 'call', key: 'charge:later' }
    expect(await ledger.doubts.find(call)).toMatchObject({ payment: { id: 'charge', money: 'unknown' } })
  })

  test('behavior: a look-up in the very turn in which a write was refused finds what only the journal has', async () => {
    smallDisk.fill(place)
    const found = ledger.claim(balanceClaim('refused')).catch(() => ledger.payment({ id: 'one' }))
    await setImmediate()
    // The books are checked once a turn; this is the turn in which the write fails.
    await ledger.payment({ id: 'one' })
    expect(await found).toMatchObject({ money: 'captured' })
  })

  test('behavior: with room again everything goes on, and nothing was booked twice', async () => {
    smallDisk.fill(place)
    await refused('refused')
    expect(await ledger.balance(Account.wallet(alice), asset)).toEqual({ posted: 990n, available: 980n })
    await refused('again')
    smallDisk.free(place)
    expect(await ledger.claim(balanceClaim('refused'))).toMatchObject({ outcome: 'fresh' })
    await ledger.capture({ paymentId: 'two', amount: 10n })
    expect(await ledger.balance(Account.wallet(alice), asset)).toEqual({ posted: 980n, available: 970n })
    expect(await violations(ledger)).toEqual([])
  })
})
