import { x402Client } from '@x402/core/client'
import { ExactEvmScheme } from '@x402/evm/exact/client'
import { wrapFetchWithPayment } from '@x402/fetch'
import { Receipt } from 'mppx'
import { Mppx } from 'mppx/client'
import * as evm from 'mppx/evm/client'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { type Sold, sell } from '../support/sold.ts'
import type { wallet } from '../support/wallet.ts'

/** The promise: any stock MPP client can pay us. The client is the published package, unmodified. */

const orders = ['before-call', 'before-release', 'after'] as const
let sold: Sold
beforeAll(async () => {
  sold = await sell([
    ...orders.flatMap((settle) => [
      { path: `/${settle}`, price: '0.01', settle, description: 'Sold "in" both dialects' },
      { method: 'POST' as const, path: `/${settle}`, price: '0.02', settle },
    ]),
    { path: '/status/:code', price: '0.01' },
  ])
})
afterAll(() => sold?.close())

function stock(payer: wallet.Wallet) {
  const authorization = { name: 'Test USD', version: '2' }
  const method = evm.charge({ account: payer.account, authorization })
  return Mppx.create({ methods: [method], polyfill: false })
}

describe('mppx', () => {
  test.each(orders)(
    'default: pays a GET and a POST that are settled %s, and reads our receipts',
    async (settle) => {
      const payer = await sold.payer(1_000_000n)
      const mppx = stock(payer)
      const got = await mppx.fetch(sold.url(`/${settle}`))
      const posted = await mppx.fetch(sold.url(`/${settle}`), { method: 'POST', body: 'hello' })
      expect([got.status, posted.status]).toEqual([200, 200])
      expect(await got.json()).toMatchObject({ method: 'GET', url: `/${settle}` })
      expect(await posted.json()).toMatchObject({ method: 'POST', body: 'hello' })
      for (const response of [got, posted]) {
        const receipt = Receipt.fromResponse(response)
        expect(receipt).toMatchObject({ status: 'success', method: 'evm' })
        expect(receipt.reference).toMatch(settle === 'after' ? /^pay_/ : /^0x[0-9a-f]{64}$/)
      }
      await vi.waitFor(async () => expect(await payer.balance()).toBe(970_000n))
    },
  )

  test('behavior: both stock clients pay one route, each in its own dialect, and neither minds the other', async () => {
    const first = await sold.payer(1_000_000n)
    const second = await sold.payer(1_000_000n)
    const client = new x402Client().register(
      `eip155:${sold.chain.chainId}`,
      new ExactEvmScheme(second.account),
    )
    client.setSpendControls({ allowedAssets: true })
    const pay = wrapFetchWithPayment(fetch, client)
    const answers = await Promise.all([
      stock(first).fetch(sold.url('/before-release')),
      pay(sold.url('/before-release')),
    ])
    expect(answers.map(({ status }) => status)).toEqual([200, 200])
    expect(answers.map(({ headers }) => headers.has('payment-receipt'))).toEqual([true, false])
    expect(answers.map(({ headers }) => headers.has('payment-response'))).toEqual([false, true])
    expect(await first.balance()).toBe(990_000n)
    expect(await second.balance()).toBe(990_000n)
  })

  test('error: an upstream that fails costs a stock client nothing', async () => {
    const payer = await sold.payer(1_000_000n)
    expect((await stock(payer).fetch(sold.url('/status/500'))).status).toBe(500)
    expect(await payer.balance()).toBe(1_000_000n)
  })
})
