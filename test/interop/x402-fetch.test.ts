import { x402Client } from '@x402/core/client'
import { ExactEvmScheme } from '@x402/evm/exact/client'
import { decodePaymentResponseHeader, wrapFetchWithPayment } from '@x402/fetch'
import type { Hex } from 'viem'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { type Sold, sell } from '../support/sold.ts'

/** The promise: any stock x402 client can pay us. The client is the published package, unmodified. */

const orders = ['before-call', 'before-release', 'after'] as const
let sold: Sold
beforeAll(async () => {
  sold = await sell([
    ...orders.flatMap((settle) => [
      { path: `/${settle}`, price: '0.01', settle, description: 'Sold "in" both dialects' },
      { method: 'POST' as const, path: `/${settle}`, price: '0.02', settle },
    ]),
    { path: '/status/:code', price: '0.01' },
    { path: '/balance-only', price: '0.01', rails: ['balance'] },
  ])
})
afterAll(() => sold?.close())

async function stock() {
  const payer = await sold.payer(1_000_000n)
  const client = new x402Client().register(`eip155:${sold.chain.chainId}`, new ExactEvmScheme(payer.account))
  // The client's own allow-list of tokens does not know a test token.
  client.setSpendControls({ allowedAssets: true })
  return { payer, pay: wrapFetchWithPayment(fetch, client) }
}

describe('@x402/fetch', () => {
  test.each(orders)(
    'default: pays a GET and a POST that are settled %s, and reads our receipts',
    async (settle) => {
      const { payer, pay } = await stock()
      const got = await pay(sold.url(`/${settle}`))
      const posted = await pay(sold.url(`/${settle}`), { method: 'POST', body: 'hello' })
      expect([got.status, posted.status]).toEqual([200, 200])
      expect(await got.json()).toMatchObject({ method: 'GET', url: `/${settle}` })
      expect(await posted.json()).toMatchObject({ method: 'POST', body: 'hello' })
      for (const [response, amount] of [
        [got, '10000'],
        [posted, '20000'],
      ] as const) {
        const settled = decodePaymentResponseHeader(response.headers.get('PAYMENT-RESPONSE') ?? '')
        expect(settled).toMatchObject({ success: true, network: `eip155:${sold.chain.chainId}`, amount })
        expect(settled.payer?.toLowerCase()).toBe(payer.address)
        if (settle === 'after') continue
        const receipt = await sold.chain.publicClient.getTransactionReceipt({
          hash: settled.transaction as Hex,
        })
        expect(receipt.status).toBe('success')
      }
      await vi.waitFor(async () => expect(await payer.balance()).toBe(970_000n))
    },
  )

  test('error: an upstream that fails costs a stock client nothing', async () => {
    const { payer, pay } = await stock()
    expect((await pay(sold.url('/status/503'))).status).toBe(503)
    expect(await payer.balance()).toBe(1_000_000n)
  })

  test('error: a route without its scheme is answered so that the client stops, with nothing signed', async () => {
    const { payer, pay } = await stock()
    await expect(pay(sold.url('/balance-only'))).rejects.toThrow()
    expect(await payer.balance()).toBe(1_000_000n)
  })

  test('error: a client without funds is refused and not served', async () => {
    const { payer, pay } = await stock()
    const other = await stock()
    await sold.chain.walletClient(payer.account).writeContract({
      address: sold.chain.token,
      abi: [
        {
          type: 'function',
          name: 'transfer',
          stateMutability: 'nonpayable',
          inputs: [
            { name: 'to', type: 'address' },
            { name: 'value', type: 'uint256' },
          ],
          outputs: [{ type: 'bool' }],
        },
      ] as const,
      functionName: 'transfer',
      args: [other.payer.address, 1_000_000n],
    })
    const before = sold.upstream.seen.length
    expect((await pay(sold.url('/before-release'))).status).toBe(402)
    expect(sold.upstream.seen).toHaveLength(before)
  })
})
