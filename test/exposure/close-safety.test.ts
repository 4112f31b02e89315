import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { openSqliteLedger } from '../../gateway/ledger/sqlite/open-sqlite-ledger.ts'
import { closeDanger } from '../../gateway/settlement/close-danger.ts'
import { createExposureGuard } from '../../gateway/settlement/exposure-guard.ts'
import { chainId, channelId, openChannel, payee } from '../ledger/fixtures.ts'
import { type LocalChain, startChain } from '../support/chain.ts'
import { startGateway } from '../support/gateway.ts'
import { type Sold, sell } from '../support/sold.ts'
import { offers } from '../support/wallet.ts'

const price = 10_000n
const settlement = { threshold: '100', maxAgeSeconds: 86_400, everyMs: 600_000 }
let chain: LocalChain
let sold: Sold
beforeAll(async () => {
  chain = await startChain({ accounts: 40 })
  sold = await sell([{ path: '/call', price: '0.01', rails: ['channel'] }], {
    chain,
    override: { settlement },
  })
})
afterAll(async () => {
  await sold?.upstream.close()
  await chain?.close()
})

describe('a payer that asks to close', () => {
  test('default: while we are down: settled at the next start, before the first request', async () => {
    const payer = await sold.payer()
    const channel = payer.channel()
    const { session } = await offers(sold.url('/call'))
    expect((await fetch(sold.url('/call'), { headers: await channel.open(session, price) })).status).toBe(200)
    const { directory } = sold.gateway
    await sold.gateway.stop()
    await channel.requestClose()
    expect(await channel.onchain()).toMatchObject({ settled: 0n })

    const again = await startGateway({
      chain,
      directory,
      routes: [{ path: '/call', price: '0.01', rails: ['channel'], upstream: sold.upstream.url }],
      override: { settlement },
      secret: randomBytes(32).toString('base64'),
    })
    try {
      // `start` has returned: it was settled before the port was opened.
      expect(await channel.onchain()).toMatchObject({ settled: price })
      const found = await again.deps.ledger.channel(channel.id)
      expect(found?.settled).toBe(price)
      const { session: fresh } = await offers(`${again.url}/call`)
      const refused = await fetch(`${again.url}/call`, { headers: await channel.voucher(fresh, 2n * price) })
      expect(refused.status).toBe(410)

      // Nobody else is affected.
      const other = await sold.payer()
      const open = await other.channel().open(fresh, price)
      expect((await fetch(`${again.url}/call`, { headers: open })).status).toBe(200)
    } finally {
      await again.end()
    }
  })

  test('behavior: the guard settles what is owed at every look, and raises the alarm within the margin', async () => {
    const asked: string[] = []
    const reports: [string, Record<string, unknown>][] = []
    const time = { now: 1_000_000_000_000 }
    const id = `0x${'ab'.repeat(32)}` as const
    const channel = {
      id,
      chainId: 1,
      escrow: `0x${'ee'.repeat(20)}` as const,
      spent: 30n,
      settled: 10n,
      closeRequestedAt: time.now / 1_000,
      finalized: false,
      suspended: null,
    }
    const guard = createExposureGuard({
      ledger: { channels: vi.fn(async () => [channel]) as never },
      chain: { id: 1, escrow: channel.escrow, graceSeconds: async () => 900 },
      clock: { now: () => time.now },
      settleFirst: (wanted) => void asked.push(wanted),
      report: (_level, event, details) => void reports.push([event, details]),
      marginSeconds: 300,
    })
    expect(await guard.tick()).toEqual({ closing: 1, alarms: 0 })
    time.now += 600_000
    expect(await guard.tick()).toEqual({ closing: 1, alarms: 0 })
    time.now += 1_000
    expect(await guard.tick()).toEqual({ closing: 1, alarms: 1 })
    expect(reports).toEqual([['close-margin', { channel: id, unsettled: 20n, leftSeconds: 299 }]])
    expect(asked).toEqual([id, id, id])
  })
})

describe('a suspended channel whose payer asks to close', () => {
  test('default: is not settled; the alarm says how long an operator has, once and then within the margin', async () => {
    const settled: string[] = []
    const left: unknown[] = []
    const time = { now: 1_000_000_000_000 }
    const ledger = await openSqliteLedger({ path: ':memory:', clock: { now: () => time.now } })
    await openChannel(ledger)
    await ledger.suspendChannel(channelId, 'The escrow has paid more than the books know.')
    await ledger.closeRequested(channelId, time.now / 1_000)
    const guard = createExposureGuard({
      ledger,
      chain: { id: chainId, escrow: payee, graceSeconds: async () => 900 },
      clock: { now: () => time.now },
      settleFirst: (wanted) => void settled.push(wanted),
      report: (_level, event, details) => void left.push([event, details.leftSeconds]),
      marginSeconds: 300,
    })
    expect(await guard.tick()).toEqual({ closing: 1, alarms: 1 })
    expect(await guard.tick()).toEqual({ closing: 1, alarms: 0 })
    time.now += 601_000
    expect(await guard.tick()).toEqual({ closing: 1, alarms: 1 })
    expect(left).toEqual([
      ['close-suspended', 900],
      ['close-suspended', 299],
    ])
    expect(settled).toEqual([])
    // What an operator does, beside the running gateway.
    await ledger.acceptRestored({ id: channelId, settlements: [], finalized: false, now: time.now })
    expect(await guard.tick()).toEqual({ closing: 0, alarms: 0 })
    await ledger.close()
  })
})

describe('closeDanger', () => {
  const channel = { spent: 2n, settled: 1n, closeRequestedAt: 1_000, finalized: false }
  const at = (now: number) => ({ graceSeconds: 900, marginSeconds: 300, now })

  test('default: none until the margin begins, then the margin, then over', () => {
    expect(closeDanger(channel, at(1_600)).danger).toBe('none')
    expect(closeDanger(channel, at(1_601)).danger).toBe('margin')
    expect(closeDanger(channel, at(1_899)).danger).toBe('margin')
    expect(closeDanger(channel, at(1_900)).danger).toBe('over')
  })

  test('behavior: nothing is in danger where nothing is owed, asked for, or open', () => {
    expect(closeDanger({ ...channel, settled: 2n }, at(9_999)).danger).toBe('none')
    expect(closeDanger({ ...channel, closeRequestedAt: null }, at(9_999)).danger).toBe('none')
    expect(closeDanger({ ...channel, finalized: true }, at(9_999)).danger).toBe('none')
  })
})
