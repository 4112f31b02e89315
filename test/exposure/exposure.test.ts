import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import * as Asset from '../../gateway/ledger/Asset.ts'
import { judgeExposure } from '../../gateway/ledger/rules/judge-exposure.ts'
import { capsOf } from '../../gateway/policy/exposure.ts'
import { type LocalChain, startChain } from '../support/chain.ts'
import { type Sold, sell } from '../support/sold.ts'
import { offers, type wallet } from '../support/wallet.ts'

const price = 10_000n
/** A channel is only settled because a cap asks for it. */
const settlement = { threshold: '100', maxAgeSeconds: 86_400, everyMs: 600_000 }
let chain: LocalChain
let sold: Sold
beforeAll(async () => {
  chain = await startChain({ accounts: 40 })
  sold = await sell([{ path: '/call', price: '0.01', rails: ['channel', 'charge'] }], {
    chain,
    override: { settlement, exposure: { perChannel: '0.03', contractSigner: '0.01', total: '0.06' } },
  })
})
afterAll(async () => {
  await sold?.close()
  await chain?.close()
})
afterEach(() => sold.upstream.forget())

const unsettled = () => sold.gateway.deps.ledger.unsettled(Asset.of(chain.chainId, chain.token))
const settleAll = () =>
  vi.waitFor(async () => {
    const channels = await sold.gateway.deps.ledger.channels({})
    await sold.gateway.settlement.settler.tick(channels.map(({ id }) => id))
    expect(await unsettled()).toBe(0n)
  }, 10_000)

async function opened(options: Parameters<wallet.Wallet['channel']>[0] = {}) {
  const payer = await sold.payer()
  const channel = payer.channel(options)
  const { session } = await offers(sold.url('/call'))
  const call = async (cumulative: bigint) =>
    fetch(sold.url('/call'), { headers: await channel.voucher(session, cumulative) })
  const open = async () => fetch(sold.url('/call'), { headers: await channel.open(session, price) })
  return { payer, channel, call, open, booked: () => sold.gateway.deps.ledger.channel(channel.id) }
}

describe('a channel', () => {
  test('default: at its cap it is settled first: 503, nothing called or charged, and the same call goes on after', async () => {
    const { call, open, booked, channel } = await opened()
    expect((await open()).status).toBe(200)
    expect((await call(2n * price)).status).toBe(200)
    expect((await call(3n * price)).status).toBe(200)
    expect(await unsettled()).toBe(3n * price)
    sold.upstream.forget()
    const refused = await call(4n * price)
    expect(refused.status).toBe(503)
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0)
    expect(await refused.json()).toMatchObject({ code: 'settling-first', unsettled: '30000', cap: '30000' })
    expect(sold.upstream.seen).toEqual([])
    expect((await booked())?.spent).toBe(3n * price)
    await vi.waitFor(async () => expect((await booked())?.settled).toBe(3n * price), 10_000)
    expect(await channel.onchain()).toMatchObject({ settled: 3n * price })
    expect((await call(4n * price)).status).toBe(200)
    await settleAll()
    expect(await sold.audit()).toBe('All holds.')
  })

  test('behavior: calls side by side never go above the cap', async () => {
    const { channel, open, booked, payer } = await opened()
    expect((await open()).status).toBe(200)
    let most = 0n
    sold.upstream.onRequest = async () => {
      const now = await booked()
      const open = (now?.spent ?? 0n) + (now?.reserved ?? 0n) - (now?.settled ?? 0n)
      if (open > most) most = open
    }
    const { session } = await offers(sold.url('/call'))
    const headers = await channel.voucher(session, 20n * price)
    const calls = await Promise.all(Array.from({ length: 20 }, () => fetch(sold.url('/call'), { headers })))
    const statuses = calls.map(({ status }) => status)
    expect(new Set(statuses)).toEqual(new Set([200, 503]))
    expect(most).toBeLessThanOrEqual(3n * price)
    expect(payer.address).toBe((await booked())?.payer)
    await settleAll()
    expect(await sold.audit()).toBe('All holds.')
  })

  test('behavior: a voucher signed far ahead is settled whole where no smaller one is at hand; the rest is credit', async () => {
    const { call, open, booked } = await opened()
    await open()
    await settleAll()
    const ahead = 10n * price
    for (let calls = 0; calls < 3; calls += 1) expect((await call(ahead)).status).toBe(200)
    expect((await call(ahead)).status).toBe(503)
    await vi.waitFor(async () => expect((await booked())?.settled).toBe(ahead), 10_000)
    await vi.waitFor(async () => expect(await unsettled()).toBe(0n), 10_000)
    expect(await sold.audit()).toBe('All holds.')
  })

  test('behavior: a signer with code gets the lower cap, also one that was an account when the channel was opened', async () => {
    const { call, open, channel, payer } = await opened()
    expect((await open()).status).toBe(200)
    // What EIP-7702 does to an account: code of its own, which confirms nothing.
    await chain.testClient.setCode({ address: payer.address, bytecode: '0x60006000fd' })
    await sold.gateway.settlement.exposure.recheck(payer.address)
    const refused = await call(2n * price)
    expect(refused.status).toBe(503)
    expect(await refused.json()).toMatchObject({ code: 'settling-first', cap: '10000' })
    await chain.testClient.setCode({ address: payer.address, bytecode: '0x' })
    await sold.gateway.settlement.settler.tick([channel.id])
  })
})

describe('all channels', () => {
  test('default: together they are capped; the counter is never a scan, and is what the accounts sum to', async () => {
    await settleAll()
    const [one, two, three] = [await opened(), await opened(), await opened()]
    for (const { open } of [one, two, three]) expect((await open()).status).toBe(200)
    for (const { call } of [one, two, three]) expect((await call(2n * price)).status).toBe(200)
    expect(await unsettled()).toBe(6n * price)
    const refused = await one.call(3n * price)
    expect(refused.status).toBe(503)
    const problem = await refused.json()
    expect(problem).toMatchObject({ code: 'settling-first' })
    // What others owe is nobody's business.
    expect(problem).not.toHaveProperty('unsettled')
    await vi.waitFor(async () => expect(await unsettled()).toBe(0n), 10_000)
    expect((await one.call(3n * price)).status).toBe(200)
    await settleAll()
    expect(await sold.audit()).toBe('All holds.')
  })
})

describe('rules', () => {
  test('default: exactly the cap is allowed, one base unit more is not; the channel is named first', () => {
    const caps = { channel: 30n, total: 60n }
    expect(judgeExposure({ channel: 20n, total: 50n }, 10n, caps)).toBeNull()
    expect(judgeExposure({ channel: 21n, total: 51n }, 10n, caps)).toEqual({
      scope: 'channel',
      unsettled: 21n,
      cap: 30n,
    })
    expect(judgeExposure({ channel: 0n, total: 51n }, 10n, caps)).toEqual({
      scope: 'total',
      unsettled: 51n,
      cap: 60n,
    })
  })

  test('default: a contract never gets more than an account', () => {
    const limits = { perChannel: 5n, contractSigner: 10n, total: 100n }
    expect(capsOf(limits, 'account')).toEqual({ channel: 5n, total: 100n })
    expect(capsOf(limits, 'contract')).toEqual({ channel: 5n, total: 100n })
    expect(capsOf({ ...limits, contractSigner: 2n }, 'contract')).toEqual({ channel: 2n, total: 100n })
  })
})
