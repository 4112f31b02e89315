import { writeSync } from 'node:fs'
import { openSqliteLedger } from '../../../gateway/ledger/sqlite/open-sqlite-ledger.ts'
import { balanceClaim } from '../fixtures.ts'

/** One of several gateways on one file: claims the keys 0 to 99 once told to go, and says how each ended. */
const [path = '', name = ''] = process.argv.slice(2)
const ledger = await openSqliteLedger({ path })
writeSync(1, 'ready\n')
process.stdin.once('data', async () => {
  for (let key = 0; key < 100; key++) {
    const { outcome } = await ledger.claim(
      balanceClaim(`pay_${name}_${key}`, { key: `balance:${key}`, amount: 1n }),
    )
    writeSync(1, `${key} ${outcome}\n`)
  }
  await ledger.close()
  process.stdin.destroy()
})
