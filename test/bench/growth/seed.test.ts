import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Address } from 'viem'
import { afterAll, describe, expect, test } from 'vitest'
import * as Asset from '../../../gateway/ledger/Asset.ts'
import { openSqliteLedger } from '../../../gateway/ledger/sqlite/open-sqlite-ledger.ts'
import { isLive, seededChannels, seedLedger } from '../../../scripts/bench/growth/seed.ts'

const of = (digits: string) => `0x${digits.repeat(20)}` as Address
const chain = {
  rpcUrl: '',
  chainId: 31337,
  escrow: of('e1'),
  token: of('70'),
  payee: of('be'),
  payeeKey: '0x',
} as const
const folder = mkdtempSync(join(tmpdir(), 'farthing-seed-'))
afterAll(() => rmSync(folder, { recursive: true }))

describe('seedLedger', () => {
  test('default: books written in bulk pass the audit, and have everything that the schema asks for', async () => {
    const path = join(folder, 'seeded.sqlite')
    const channels = seededChannels(60, [of('aa'), of('bb')])
    await seedLedger({ path, channels, past: 333, live: 20, chain, say: () => {} })
    const ledger = await openSqliteLedger({ path })
    try {
      const audit = await ledger.audit()
      expect(audit.laws.flatMap(({ violations }) => violations)).toEqual([])
      expect(audit.trail).toMatchObject({ holds: true, violations: [] })
      expect(audit).toMatchObject({ balanced: true, payments: 333, channels: 60 })
      const asset = Asset.of(chain.chainId, chain.token)
      expect(await ledger.balance('revenue:GET /paid', asset)).toMatchObject({ posted: 333_000n })
      expect(await ledger.openPayments(1)).toEqual([])
    } finally {
      await ledger.close()
    }
  })

  test('behavior: about as many channels are live as were asked for, and every payer has some', () => {
    const payers = Array.from({ length: 64 }, (_, index) => `0x${index}` as Address)
    const live = seededChannels(10_000, payers).filter(({ id }) => isLive(id, 0.5))
    expect(live.length).toBeGreaterThan(4_500)
    expect(live.length).toBeLessThan(5_500)
    expect(new Set(live.map(({ payer }) => payer)).size).toBe(64)
    expect(seededChannels(100, payers).filter(({ id }) => isLive(id, 1))).toHaveLength(100)
  })
})
