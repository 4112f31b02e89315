import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { offers } from '../support/wallet.ts'
import { type House, house } from './house.ts'
import { type Case, credential, insist, outcomeOf, prepare } from './round.ts'
import { volumes } from './Volume.ts'

/**
 * The real process on a disk that is full: calls are refused clearly, nothing is lost, and with room again everything works
 * without a restart.
 */

const orders = ['before-call', 'before-release', 'after'] as const
const routes = [
  ...orders.map((settle) => ({ path: `/${settle}`, price: '0.01', settle })),
  { path: '/channel', price: '0.01', rails: ['channel' as const] },
  { path: '/balance', price: '0.01', rails: ['balance' as const] },
]

for (const volume of volumes) {
  // A skipped test says why: what cannot be had here is in its title.
  const why = volume.missing === null ? '' : ` (cannot be had here: ${volume.missing})`
  describe.skipIf(volume.missing !== null)(`${volume.name}${why}`, () => {
    let home: House
    beforeAll(async () => {
      home = await house({ routes, disk: volume.make, accounts: 40 })
      await home.start('main')
    })
    afterAll(async () => {
      if (home === undefined) return
      await home.stop()
      volume.unmake(home)
      await home.close()
    })

    const ready = (rail: Case['rail'], path: string, name: string) =>
      prepare(home, { name, rail, path, at: 'called' })
    const rails = [
      ['mpp', '/before-call'],
      ['x402', '/before-release'],
      ['mpp', '/after'],
      ['channel', '/channel'],
      ['balance', '/balance'],
    ] as const

    test.each(rails)(
      'error: full before the call (%s, %s): refused with 503 and when to come again; the upstream is not called',
      async (rail, path) => {
        const one = await ready(rail, path, 'before')
        volume.fill(home)
        const refused = await fetch(one.url, { headers: one.headers })
        expect(refused.status).toBe(503)
        expect(refused.headers.get('retry-after')).toBe('1')
        expect(await refused.json()).toMatchObject({ code: 'ledger-unavailable' })
        expect(home.runs(one.tag)).toBe(0)
        // What needs no writing goes on.
        expect((await fetch(`${home.url}/farthing/health`)).status).toBe(200)
        expect((await offers(one.url)).status).toBe(402)
        volume.free(home)
        const outcome = await outcomeOf(home, one, await insist(one))
        expect(outcome).toMatchObject({ told: 'answer', runs: 1, paid: 1 })
      },
    )

    test.each(rails)(
      'error: full while the upstream answers (%s, %s): no answer without its booking; paid once in the end',
      async (rail, path) => {
        const one = await ready(rail, path, 'called')
        home.upstream.onRequest = ({ url }) => {
          if (!url.endsWith(one.tag) || home.runs(one.tag) > 1) return
          volume.fill(home)
        }
        const refused = await fetch(one.url, { headers: one.headers })
        expect(refused.status).toBe(503)
        expect(await refused.json()).toMatchObject({ code: 'ledger-unavailable' })
        volume.free(home)
        home.upstream.onRequest = () => {}
        const outcome = await outcomeOf(home, one, await insist(one))
        if (path === '/before-call')
          expect(outcome).toMatchObject({ told: 'payment-credited', runs: 1, paid: 0, moved: 1 })
        else expect(outcome).toMatchObject({ told: 'answer', runs: 2, paid: 1 })
      },
    )

    test('error: full after a transfer: an app that calls again with a new signature pays once', async () => {
      const one = await ready('x402', '/before-call', 'anew')
      home.upstream.onRequest = ({ url }) => {
        if (url.endsWith(one.tag)) volume.fill(home)
      }
      expect((await fetch(one.url, { headers: one.headers })).status).toBe(503)
      home.upstream.onRequest = () => {}
      volume.free(home)
      const headers = await credential(home, one.of, one.payer, one.url)
      const outcome = await outcomeOf(home, one, await insist({ ...one, headers }))
      expect(outcome).toEqual({ told: 'answer', runs: 2, paid: 1, moved: 1 })
    })

    test.each(orders)(
      'error: full while the transfer is on its way (%s): it moves once, and is answered or credit',
      async (order) => {
        const one = await ready('mpp', `/${order}`, 'sent')
        home.node.acted = (method, [given]) => {
          if (method === 'eth_sendRawTransaction' && String(given).includes(one.payer.address.slice(2)))
            volume.fill(home)
        }
        const first = await fetch(one.url, { headers: one.headers })
        expect(first.status).toBe(order === 'after' ? 200 : 503)
        await vi.waitFor(async () => expect(await home.transfers(one.payer)).toHaveLength(1))
        home.node.heal()
        volume.free(home)
        const outcome = await outcomeOf(home, one, await insist(one))
        if (order === 'before-call')
          expect(outcome).toMatchObject({ told: 'payment-credited', runs: 0, paid: 0 })
        else expect(outcome).toMatchObject({ told: 'answer', runs: 1, paid: 1 })
        expect(outcome.moved).toBe(1)
      },
    )

    test('default: afterwards books and chain agree', async () => {
      expect(await home.audit()).toBe('All holds.')
    })
  })
}
