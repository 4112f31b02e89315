import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { offers } from '../support/wallet.ts'
import { type House, house } from './house.ts'
import { type Case, channels, insist, outcomeOf, prepare, price } from './round.ts'

/**
 * The real process while its only node is out of reach: what needs no chain goes on, what needs it is refused without being
 * charged, and everything settles afterwards.
 */

const orders = ['before-call', 'before-release', 'after'] as const
let home: House
beforeAll(async () => {
  home = await house({
    routes: [
      ...orders.map((settle) => ({ path: `/${settle}`, price: '0.01', settle })),
      { path: '/channel', price: '0.01', rails: ['channel'] },
      { path: '/balance', price: '0.01', rails: ['balance'] },
    ],
    override: { settlement: { threshold: '0.03', maxAgeSeconds: 86_400, everyMs: 100 } },
  })
  await home.start('main')
})
afterAll(() => home?.close())
afterEach(() => {
  home.node.heal()
  home.upstream.onRequest = () => {}
})

const of = (rail: Case['rail'], path: string, name: string): Case => ({ name, rail, path, at: 'called' })
const down = () => {
  home.node.judge = () => 'refuse'
}

describe('a node that is out of reach', () => {
  test('default: channels and balances go on, and what is owed on chain settles afterwards', async () => {
    const [onChannel, onBalance] = await Promise.all([
      prepare(home, of('channel', '/channel', 'down')),
      prepare(home, of('balance', '/balance', 'down')),
    ])
    const channel = channels.get(onChannel.payer)
    if (channel === undefined) throw new Error('unreachable')
    down()
    for (let call = 2n; call <= 6n; call += 1n) {
      const { session } = await offers(onChannel.url)
      const headers = await channel.voucher(session, call * price)
      expect((await fetch(onChannel.url, { headers })).status).toBe(200)
      const once = { ...onBalance.headers, 'idempotency-key': `call-${call}` }
      expect((await fetch(onBalance.url, { headers: once })).status).toBe(200)
    }
    expect((await fetch(`${home.url}/farthing/health`)).status).toBe(200)
    expect(await channel.onchain()).toMatchObject({ settled: 0n })
    home.node.heal()
    await vi.waitFor(async () => expect(await channel.onchain()).toMatchObject({ settled: 6n * price }), {
      timeout: 20_000,
    })
  })

  test.each(orders)(
    'error: a charge settled %s is refused with 503 and costs nothing; the same credential buys the call afterwards',
    async (order) => {
      const one = await prepare(home, of('mpp', `/${order}`, 'down'))
      down()
      const refused = await fetch(one.url, { headers: one.headers })
      expect(refused.status).toBe(503)
      expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0)
      expect(home.runs(one.tag)).toBe(0)
      home.node.heal()
      const outcome = await outcomeOf(home, one, await insist(one))
      expect(outcome).toEqual({ told: 'answer', runs: 1, paid: 1, moved: 1 })
    },
  )

  test.each(orders.slice(1))(
    'error: lost between the call and its settlement, settled %s: the answer is kept, and paid for later',
    async (order) => {
      const one = await prepare(home, of('x402', `/${order}`, 'lost'))
      home.upstream.onRequest = down
      const first = await fetch(one.url, { headers: one.headers })
      expect(first.status).toBe(order === 'after' ? 200 : 503)
      expect(await home.transfers(one.payer)).toEqual([])
      home.node.heal()
      const outcome = await outcomeOf(home, one, await insist(one))
      expect(outcome).toEqual({ told: 'answer', runs: 1, paid: 1, moved: 1 })
    },
  )

  test('error: an opening is refused with 503; the same credential opens the channel once afterwards', async () => {
    const one = await prepare(home, of('opening', '/channel', 'down'))
    down()
    expect((await fetch(one.url, { headers: one.headers })).status).toBe(503)
    home.node.heal()
    const outcome = await outcomeOf(home, one, await insist(one))
    expect(outcome).toEqual({ told: 'answer', runs: 1, paid: 1, moved: 0 })
  })
})

describe('after all of it', () => {
  test('default: books and chain agree', async () => {
    expect(await home.audit()).toBe('All holds.')
  })

  test('error: a start without a node is refused in words, and succeeds once there is one', async () => {
    down()
    const refused = await home.start('main').catch((error: Error) => error.message)
    expect(refused).toMatch(/No node of chain .* answers\. Fix: /)
    expect(refused).not.toMatch(/\n\s+at /)
    home.node.heal()
    await home.start('main')
  })
})
