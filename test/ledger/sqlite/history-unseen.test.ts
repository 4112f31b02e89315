import { join } from 'node:path'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Ledger } from '../../../gateway/ledger/Ledger.ts'
import { openSqliteLedger } from '../../../gateway/ledger/sqlite/open-sqlite-ledger.ts'
import { apply, ids, type Step, step, wallets } from '../behaviour/histories.ts'
import { chainId, chainRef, openChannel, testClock, violations } from '../fixtures.ts'
import { testFolder } from '../test-folder.ts'

/** All that can be asked of payments and accounts. */
async function answers(ledger: Ledger, payments: readonly string[]) {
  const { payments: many, transfers } = await ledger.audit()
  const found = await Promise.all(
    payments.map(async (id) => {
      const payment = await ledger.payment({ id })
      const ofKey = await ledger.payment({ key: payment?.key ?? '' })
      return { payment, ofKey: ofKey?.id, credited: await ledger.credited(id) }
    }),
  )
  const sorted = (await ledger.balances()).toSorted((a, b) => (a.account < b.account ? -1 : 1))
  return { many, transfers, found, balances: sorted, entries: await ledger.chainEntries(chainId) }
}

test('behavior: whatever happens, nobody who asks can tell whether past calls were rolled up', async () => {
  const run = async (steps: readonly Step[]) => {
    const folder = testFolder()
    const open = (name: string, history?: { least: number }) =>
      openSqliteLedger({ path: join(folder, name), clock: testClock(), ...(history && { history }) })
    const rolled = await open('rolled.sqlite', { least: 1 })
    const plain = await open('plain.sqlite')
    const payments: [string[], string[]] = [[], []]
    try {
      for (const ledger of [rolled, plain])
        for (const [n, id] of ids.entries()) await openChannel(ledger, 10n ** 30n, id, wallets[n])
      for (const [n, one] of steps.entries()) {
        if (one.do === 'roll-up') {
          await rolled.rollUp(Number.MAX_SAFE_INTEGER)
          continue
        }
        const ref = chainRef()
        const there = await apply(plain, one, payments[1], n, ref)
        expect(await apply(rolled, one, payments[0], n, ref)).toEqual(there)
      }
      expect(await answers(rolled, payments[0])).toEqual(await answers(plain, payments[1]))
      expect(await violations(rolled)).toEqual([])
    } finally {
      await rolled.close()
      await plain.close()
    }
  }
  await fc.assert(fc.asyncProperty(fc.array(step, { minLength: 20, maxLength: 120 }), run), { numRuns: 60 })
})
