import { afterEach, beforeEach, describe } from 'vitest'
import type { Ledger } from '../../gateway/ledger/Ledger.ts'
import { chain } from './behaviour/chain.ts'
import { channels } from './behaviour/channels.ts'
import { charges } from './behaviour/charges.ts'
import { claims } from './behaviour/claims.ts'
import { doubts } from './behaviour/doubts.ts'
import { histories } from './behaviour/histories.ts'
import { holds } from './behaviour/holds.ts'
import { settlements } from './behaviour/settlements.ts'
import { signIn } from './behaviour/sign-in.ts'
import { testClock } from './fixtures.ts'

/** What a section is given: an empty ledger for each test, and its clock. */
export type Subject = { ledger: () => Ledger; clock: () => ReturnType<typeof testClock> }
/** Opens an empty ledger. */
export type Open = (clock: { now(): number }) => Promise<Ledger>

/** What every implementation of the ledger must do. Titles say the promise that breaks when the test fails. */
export function behaviour(name: string, open: Open): void {
  describe(name, () => {
    let ledger: Ledger
    let clock: ReturnType<typeof testClock>
    beforeEach(async () => {
      clock = testClock()
      ledger = await open(clock)
    })
    afterEach(() => ledger.close())
    const subject: Subject = { ledger: () => ledger, clock: () => clock }
    for (const section of [claims, holds, charges, doubts, channels, settlements, chain, signIn])
      section(subject)
    histories(open)
  })
}
