import { join } from 'node:path'
import Database from 'better-sqlite3'
import { describe, expect, onTestFinished, test } from 'vitest'
import { LedgerUnavailableError } from '../../../gateway/ledger/errors.ts'
import { openSqliteLedger } from '../../../gateway/ledger/sqlite/open-sqlite-ledger.ts'
import { chargeClaim } from '../fixtures.ts'
import { testFolder } from '../test-folder.ts'

describe('a doubt that cannot be written', () => {
  async function locked() {
    const path = join(testFolder(), 'ledger.sqlite')
    const ledger = await openSqliteLedger({ path, busyTimeout: 20 })
    await ledger.claim(chargeClaim('pay_1'))
    const other = new Database(path)
    onTestFinished(async () => {
      other.close()
      await ledger.close()
    })
    other.exec('BEGIN IMMEDIATE')
    const { wallet, fingerprint } = chargeClaim('pay_1')
    const find = async () =>
      (await ledger.doubts.find({ wallet, fingerprint, key: 'charge:later' }))?.payment.id ?? null
    return { ledger, find, free: () => other.exec('ROLLBACK') }
  }

  test('behavior: is found by the very next call once the books can be written (nobody pays twice)', async () => {
    const { ledger, find, free } = await locked()
    await expect(ledger.doubts.add('pay_1')).rejects.toThrow(LedgerUnavailableError)
    await expect(find()).rejects.toThrow(LedgerUnavailableError)
    free()
    expect(await find()).toBe('pay_1')
  })

  test('behavior: is none when the charge has ended by then', async () => {
    const { ledger, find, free } = await locked()
    await expect(ledger.doubts.add('pay_1', { unlessEnded: true })).rejects.toThrow(LedgerUnavailableError)
    free()
    await ledger.void('pay_1', 'It failed.')
    expect(await find()).toBeNull()
  })
})
