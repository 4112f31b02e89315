import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { offers } from '../support/wallet.ts'
import { type House, house } from './house.ts'
import { type Load, load } from './load.ts'
import { channels, prepare, price } from './round.ts'

/**
 * The chain takes blocks back under the running process, while others call on every rail. Blocks are really taken back: a
 * snapshot, what happened after it, the snapshot again.
 */

let home: House
let others: Load
beforeAll(async () => {
  home = await house({
    routes: [
      { path: '/charge', price: '0.01', rails: ['charge'] },
      { path: '/channel', price: '0.01', rails: ['channel'] },
      ...load.routes,
    ],
    override: {
      settlement: { threshold: '0.05', maxAgeSeconds: 86_400, everyMs: 100 },
      chain: { reorgBlocks: 400 },
    },
  })
  await home.start('main')
  others = await load(home)
})
afterAll(() => home?.close())

describe('blocks that are taken back under load', () => {
  test('default: a charge, an opening and a settlement are made again; nobody is charged twice, nothing is lost', async () => {
    const charge = await prepare(home, { name: 'charge', rail: 'mpp', path: '/charge', at: 'called' })
    const payer = await home.payer()
    const id = await home.chain.testClient.snapshot()
    const opened = await prepare(
      home,
      { name: 'opened', rail: 'channel', path: '/channel', at: 'called' },
      payer,
    )
    const channel = channels.get(opened.payer)
    expect((await fetch(charge.url, { headers: charge.headers })).status).toBe(200)
    const { session } = await offers(opened.url)
    const more = await channel?.voucher(session, 6n * price)
    expect((await fetch(opened.url, { headers: more ?? {} })).status).toBe(200)
    for (let call = 0; call < 4; call += 1)
      expect((await fetch(`${opened.url}-${call}`, { headers: more ?? {} })).status).toBe(200)
    await vi.waitFor(async () => expect(await channel?.onchain()).toMatchObject({ settled: 6n * price }), {
      timeout: 20_000,
    })
    await home.chain.testClient.revert({ id })
    expect(await home.transfers(charge.payer)).toEqual([])
    await home.chain.mine(12)

    await vi.waitFor(async () => expect(await channel?.onchain()).toMatchObject({ settled: 6n * price }), {
      timeout: 30_000,
    })
    await vi.waitFor(async () => expect(await home.transfers(charge.payer)).toHaveLength(1), {
      timeout: 30_000,
    })
    // Everybody's calls went on meanwhile, and go on.
    const again = await fetch(charge.url, { headers: charge.headers })
    expect(again.headers.get('farthing-replayed')).toBe('true')
    // The deposit is there again before the gateway has looked: until then its channel is told to wait, and nothing else.
    const last = (await channel?.voucher(session, 7n * price)) ?? {}
    const told: string[] = []
    await vi.waitFor(
      async () => {
        const answer = await fetch(`${opened.url}-last`, { headers: last })
        if (answer.status !== 200) told.push(((await answer.json()) as { type: string }).type)
        expect(answer.status).toBe(200)
      },
      { timeout: 20_000, interval: 200 },
    )
    for (const type of told) expect(type).toMatch(/\/deposit-missing$/)
    expect(home.runs(charge.tag)).toBe(1)
    await others.end()
    await others.check()
    const taken = home.said.filter(({ msg }) => msg === 'deposit-reversed' || msg === 'reorg-reversed')
    expect(taken).toEqual([])
    expect(await home.look((books) => books.reorg.debts())).toEqual([])
    expect(await home.audit()).toBe('All holds.')
  })
})
