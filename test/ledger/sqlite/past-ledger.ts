import { join } from 'node:path'
import Database from 'better-sqlite3'
import { beforeEach, expect, onTestFinished } from 'vitest'
import * as Account from '../../../gateway/ledger/Account.ts'
import type { Ledger } from '../../../gateway/ledger/Ledger.ts'
import { openSqliteLedger } from '../../../gateway/ledger/sqlite/open-sqlite-ledger.ts'
import {
  alice,
  balanceClaim,
  chainRef,
  channelClaim,
  channelId,
  chargeClaim,
  openChannel,
  testClock,
} from '../fixtures.ts'
import { testFolder } from '../test-folder.ts'

export const day = 86_400_000

/** Books in which time passes: a new ledger for each test of the section that asks for it, which moves whatever is old at once. */
export function pastLedger() {
  let ledger: Ledger
  let path: string
  let clock: ReturnType<typeof testClock>
  const open = async () => {
    ledger = await openSqliteLedger({ path, clock, history: { least: 1 } })
  }
  beforeEach(async () => {
    path = join(testFolder(), 'ledger.sqlite')
    clock = testClock()
    await open()
    onTestFinished(() => ledger.close())
    // Before all others, as its id is.
    await ledger.claim(chargeClaim('pay_', { amount: 10_000n, earns: Account.wallet(alice) }))
    await ledger.settled({ paymentId: 'pay_', ref: chainRef(), deliver: 'delivered' })
    await openChannel(ledger)
  })
  const now = () => ({ now: clock.now() })
  const inFile = <Row>(statement: string): Row[] => {
    const database = new Database(path, { readonly: true })
    const rows = database.prepare<[], Row>(statement).all()
    database.close()
    return rows
  }

  return {
    get ledger() {
      return ledger
    },
    get path() {
      return path
    },
    get clock() {
      return clock
    },
    now,
    inFile,
    idsInTable: () => inFile<{ id: string }>('SELECT id FROM payments ORDER BY id').map(({ id }) => id),
    /** What memory has is what the file has. 'usual': as a gateway opens it, which waits for full segments. */
    async reopen(usual?: 'usual') {
      await ledger.close()
      if (usual === undefined) await open()
      else ledger = await openSqliteLedger({ path, clock })
    },
    async byBalance(id: string, change: Partial<Ledger.ClaimRequest> = {}) {
      await ledger.claim(balanceClaim(id, { ...now(), ...change }))
      await ledger.capture({ paymentId: id, amount: 10n, complete: true })
    },
    async byVoucher(id: string, cumulative: bigint, change: Partial<Ledger.ClaimRequest> = {}) {
      const result = await ledger.claim(channelClaim(id, cumulative, { ...now(), ...change }))
      expect(result.outcome).toBe('fresh')
      await ledger.capture({ paymentId: id, amount: 10n, complete: true })
    },
    settle: (cumulative: bigint) =>
      ledger.channelSettled({ id: channelId, cumulative, ref: chainRef(), ...now() }),
    /** Moves what is there by now, a month later. */
    async rollUp() {
      // Whoever reads tables has what waits written to them: its events are as old as it is.
      await ledger.audit()
      clock.advance(32 * day)
      while (await ledger.rollUp(clock.now() - 30 * day));
    },
  }
}
