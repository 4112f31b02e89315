import { existsSync, statSync } from 'node:fs'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { expect, test, vi } from 'vitest'
import { openSqliteLedger } from '../../../gateway/ledger/sqlite/open-sqlite-ledger.ts'
import { balanceClaim } from '../fixtures.ts'
import { testFolder } from '../test-folder.ts'

async function openBeside() {
  const path = join(testFolder(), 'ledger.sqlite')
  const ledger = await openSqliteLedger({ path, sync: 'beside' })
  const before = statSync(path).size
  const claims = Array.from({ length: 300 }, (_, index) =>
    ledger.claim(balanceClaim(`p${index}`, { amount: 0n })),
  )
  await Promise.all(claims)
  return { path, ledger, before }
}

test('default: what was committed comes into the file without a commit that stands still for it', async () => {
  const { path, ledger, before } = await openBeside()
  // 300 payments are far from what makes a commit copy the log itself.
  await vi.waitFor(() => expect(statSync(path).size).toBeGreaterThan(before), { timeout: 10_000 })
  expect((await ledger.payment({ id: 'p299' }))?.delivery).toBe('held')
  await ledger.close()
})

test('behavior: closing ends the thread first, so that the last connection leaves one whole file and no log', async () => {
  const { path, ledger } = await openBeside()
  await ledger.close()
  expect(existsSync(`${path}-wal`)).toBe(false)
  const database = new Database(path, { readonly: true })
  expect(database.prepare('SELECT count(*) AS count FROM payments').get()).toEqual({ count: 300 })
  expect(database.pragma('integrity_check', { simple: true })).toBe('ok')
  database.close()
})
