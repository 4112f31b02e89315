import { writeSync } from 'node:fs'
import { setTimeout } from 'node:timers/promises'
import { openSqliteLedger } from '../../../gateway/ledger/sqlite/open-sqlite-ledger.ts'
import { balanceClaim, channelClaim } from '../fixtures.ts'

/**
 * A gateway that is paid until it is killed: sixteen callers at a time, by balance and by channel, while what has ended is rolled
 * up. It writes a line about each operation once it was acknowledged, and never before.
 */
const ledger = await openSqliteLedger({ path: process.argv[2] ?? '' })
const say = (line: string) => writeSync(1, `${line}\n`)

async function caller(who: number): Promise<never> {
  for (let n = 0; ; n++) {
    // In the order of time, as ids are.
    const id = `pay_${String(n).padStart(6, '0')}_${who}`
    const request =
      who % 2 === 0
        ? balanceClaim(id, { amount: 2n, fingerprint: id })
        : channelClaim(id, 10n ** 6n, { amount: 2n, fingerprint: id })
    await ledger.claim(request)
    say(`held ${id}`)
    if (n % 5 === 4) {
      await ledger.void(id, 'upstream is down')
      say(`void ${id}`)
    } else {
      await ledger.capture({ paymentId: id, amount: 1n, complete: true })
      say(`captured ${id}`)
    }
  }
}
async function housekeeper(): Promise<never> {
  for (;;) {
    await ledger.rollUp(Number.MAX_SAFE_INTEGER)
    await setTimeout(5)
  }
}
await Promise.all([...Array.from({ length: 16 }, (_, who) => caller(who)), housekeeper()])
