import { x402Client } from '@x402/core/client'
import { ExactEvmScheme } from '@x402/evm/exact/client'
import { wrapFetchWithPayment } from '@x402/fetch'
import { Mppx } from 'mppx/client'
import * as evm from 'mppx/evm/client'
import { type Hex, parseAbiItem } from 'viem'
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { type LocalChain, startChain } from '../support/chain.ts'
import { payeeIndex } from '../support/gateway.ts'
import { type NodeProxy, nodeProxy } from '../support/node-proxy.ts'
import { type Sold, sell } from '../support/sold.ts'
import { offers, type wallet } from '../support/wallet.ts'

/**
 * The promise: a stock client, against a chain that accepts its transfer and then times out, pays once and ends with the
 * answer or with credit. A stock client cannot send a credential again: told 503, its app calls again, and it signs anew.
 */

const orders = ['before-call', 'before-release', 'after'] as const

let chain: LocalChain
let node: NodeProxy
let sold: Sold
beforeAll(async () => {
  chain = await startChain({ accounts: 60 })
  node = await nodeProxy(chain.rpcUrl)
  sold = await sell(
    [
      ...orders.flatMap((settle) => [
        { path: `/${settle}`, price: '0.01', settle },
        { method: 'POST' as const, path: `/${settle}`, price: '0.01', settle },
      ]),
      { path: '/charge-only', price: '0.01', rails: ['charge' as const] },
    ],
    {
      chain,
      override: {
        chain: {
          id: chain.chainId,
          rpcUrl: node.url,
          relayerKey: { env: 'FARTHING_RELAYER_KEY' },
          startBlock: 0,
          pollMs: 50,
          timeoutMs: 300,
        },
      },
    },
  )
})
afterAll(async () => {
  await sold?.close()
  await node?.close()
  await chain?.close()
})
beforeEach(() => node.heal())

type Fetch = (url: string, init?: RequestInit) => Promise<Response>
const clients: [name: string, of: (payer: wallet.Wallet) => Fetch][] = [
  [
    '@x402/fetch',
    (payer) => {
      const client = new x402Client().register(`eip155:${chain.chainId}`, new ExactEvmScheme(payer.account))
      client.setSpendControls({ allowedAssets: true })
      return wrapFetchWithPayment(fetch, client)
    },
  ],
  [
    'mppx',
    (payer) => {
      const authorization = { name: 'Test USD', version: '2' }
      const method = evm.charge({ account: payer.account, authorization })
      return Mppx.create({ methods: [method], polyfill: false }).fetch
    },
  ],
]
const calls: [string, RequestInit][] = [
  ['GET', {}],
  ['POST', { method: 'POST', body: 'hello' }],
]
const cases = clients.flatMap(([client, of]) =>
  orders.flatMap((order) => calls.map(([method, init]) => ({ client, of, order, method, init }))),
)

/** Transfers of a wallet to the payee, as the chain has them. */
async function transfers(payer: wallet.Wallet): Promise<Hex[]> {
  const logs = await chain.publicClient.getLogs({
    address: chain.token,
    event: parseAbiItem('event Transfer(address indexed from, address indexed to, uint256 value)'),
    args: { from: payer.address, to: chain.accounts[payeeIndex]?.address ?? '0x' },
    fromBlock: 0n,
  })
  return logs.map(({ transactionHash }) => transactionHash)
}

const statusOf = async (response: Response): Promise<Record<string, unknown>> => {
  const link = /<([^>]+)>; rel="status"/.exec(response.headers.get('link') ?? '')?.[1] ?? '/none'
  return (await fetch(sold.url(link))).json() as Promise<Record<string, unknown>>
}

/** The node takes transactions and answers nothing about them. */
const takeAndSayNothing = () => {
  node.judge = (method) =>
    method === 'eth_sendRawTransaction' ? 'lose' : method === 'eth_getTransactionReceipt' ? 'blank' : 'pass'
}

const settledAs = { 'before-call': 'credited', 'before-release': 'delivered', after: 'delivered' } as const
const runsFor = (payer: wallet.Wallet) =>
  sold.upstream.seen.filter(({ url }) => url.endsWith(payer.address)).length

describe('a chain that accepts and then times out', () => {
  test.each(cases)(
    'default: $client pays a $method settled $order once, however often its app calls again',
    async ({ of, order, init }) => {
      const payer = await sold.payer(1_000_000n)
      const pay = of(payer)
      const call = () => pay(sold.url(`/${order}?of=${payer.address}`), { ...init })
      takeAndSayNothing()
      const first = await call()
      expect(first.status).toBe(order === 'after' ? 200 : 503)
      await vi.waitFor(async () => expect(await transfers(payer)).toHaveLength(1))
      if (order !== 'after') {
        const { paymentId } = (await first.clone().json()) as { paymentId: string }
        expect(first.headers.get('retry-after')).toBe('2')
        // The app does what it was told in the only way it has: it calls again, and its client signs anew.
        for (let attempt = 0; attempt < 2; attempt += 1) {
          const again = await call()
          expect(again.status).toBe(503)
          expect(await again.json()).toMatchObject({ code: 'payment-unknown', paymentId })
        }
        node.heal()
        await vi.waitFor(async () =>
          expect(await statusOf(first)).toMatchObject({ status: settledAs[order] }),
        )
        const last = await call()
        expect(last.status).toBe(200)
        expect(await last.json()).toMatchObject({ method: init.method ?? 'GET', body: init.body ?? '' })
        expect(last.headers.has('farthing-receipt')).toBe(true)
      }
      node.heal()
      expect(await transfers(payer)).toHaveLength(1)
      expect(await payer.balance()).toBe(990_000n)
      expect(runsFor(payer)).toBe(1)
      await vi.waitFor(async () => expect(await sold.audit()).toBe('All holds.'))
    },
  )
})

describe('whoever was answered', () => {
  test.each(clients)('default: %s buys the same call again as often as it likes', async (_, of) => {
    const payer = await sold.payer(1_000_000n)
    const pay = of(payer)
    const call = () => pay(sold.url(`/before-release?of=${payer.address}`))
    takeAndSayNothing()
    const first = await call()
    node.heal()
    await vi.waitFor(async () => expect(await statusOf(first)).toMatchObject({ status: 'delivered' }))
    expect((await call()).headers.get('farthing-replayed')).toBe('true')
    expect((await call()).headers.has('farthing-replayed')).toBe(false)
    expect(await transfers(payer)).toHaveLength(2)
    expect(runsFor(payer)).toBe(2)
  })

  test('behavior: the credential that was answered by an earlier payment gets that answer again, and moves nothing', async () => {
    const payer = await sold.payer(1_000_000n)
    const url = sold.url(`/before-release?of=${payer.address}`)
    takeAndSayNothing()
    const first = await fetch(url, { headers: await payer.charge((await offers(url)).charge) })
    node.heal()
    await vi.waitFor(async () => expect(await statusOf(first)).toMatchObject({ status: 'delivered' }))
    const second = await payer.charge((await offers(url)).charge)
    for (let attempt = 0; attempt < 3; attempt += 1)
      expect((await fetch(url, { headers: second })).headers.get('farthing-replayed')).toBe('true')
    expect(await transfers(payer)).toHaveLength(1)
  })

  test('behavior: another wallet, another call and a top-up are no part of it', async () => {
    const payer = await sold.payer(1_000_000n)
    const other = await sold.payer(1_000_000n)
    const url = sold.url(`/before-release?of=${payer.address}`)
    takeAndSayNothing()
    expect((await fetch(url, { headers: await payer.charge((await offers(url)).charge) })).status).toBe(503)
    expect((await payer.topUp(sold.gateway.url, '0.02')).status).toBe(503)
    node.heal()
    expect((await fetch(url, { headers: await other.charge((await offers(url)).charge) })).status).toBe(200)
    const elsewhere = `${url}&more`
    const headers = await payer.charge((await offers(elsewhere)).charge)
    expect((await fetch(elsewhere, { headers })).status).toBe(200)
    expect((await payer.topUp(sold.gateway.url, '0.02')).status).toBe(200)
    await vi.waitFor(async () => expect(await payer.balance()).toBe(940_000n))
  })
})

describe('whoever hangs up', () => {
  test.each(clients)('default: %s gives up before its transfer is settled, and pays once', async (_, of) => {
    const payer = await sold.payer(1_000_000n)
    const pay = of(payer)
    const url = sold.url(`/before-release?of=${payer.address}`)
    const impatient = new AbortController()
    node.judge = (method) => (method === 'eth_getTransactionReceipt' ? 'blank' : 'pass')
    node.acted = (method) => {
      if (method === 'eth_sendRawTransaction') impatient.abort()
    }
    await expect(pay(url, { signal: impatient.signal })).rejects.toThrow()
    await vi.waitFor(async () => expect((await pay(url)).status).toBe(503))
    node.heal()
    await vi.waitFor(async () => expect((await pay(url)).status).toBe(200))
    expect(await transfers(payer)).toHaveLength(1)
    expect(runsFor(payer)).toBe(1)
  })
})

describe('credit', () => {
  test('default: what moved and bought nothing is told by the payment and by the next 402, and spent by the balance', async () => {
    const payer = await sold.payer(1_000_000n)
    const pay = clients[0]?.[1](payer) ?? fetch
    const url = sold.url(`/before-call?of=${payer.address}`)
    takeAndSayNothing()
    const first = await pay(url)
    node.heal()
    await vi.waitFor(async () =>
      expect(await statusOf(first)).toMatchObject({ status: 'credited', credited: '10000' }),
    )
    const token = await payer.signIn(sold.gateway.url)
    const headers = { authorization: `Bearer ${token}` }
    const charged = await fetch(sold.url('/charge-only'), { headers })
    expect(charged.status).toBe(402)
    expect(await charged.json()).toMatchObject({ credit: { available: '10000', formatted: '0.01' } })
    expect((await fetch(sold.url('/before-call?spent'), { headers })).status).toBe(200)
    // It is spent: the next call is an ordinary one.
    expect((await pay(url)).status).toBe(200)
    expect(await transfers(payer)).toHaveLength(2)
    expect(await payer.balance()).toBe(980_000n)
  })
})

describe('a node that never answers', () => {
  test('default: the caller is told 503 as soon as the time for it is over, and is answered later', async () => {
    const payer = await sold.payer(1_000_000n)
    const pay = clients[1]?.[1](payer) ?? fetch
    const url = sold.url(`/before-release?of=${payer.address}`)
    node.judge = (method) =>
      method === 'eth_sendRawTransaction' ? 'hang' : method === 'eth_getTransactionReceipt' ? 'blank' : 'pass'
    const first = await pay(url)
    expect(first.status).toBe(503)
    expect((await pay(url)).status).toBe(503)
    node.heal()
    await vi.waitFor(async () => expect(await statusOf(first)).toMatchObject({ status: 'delivered' }))
    expect((await pay(url)).status).toBe(200)
    expect(await transfers(payer)).toHaveLength(1)
  })
})
