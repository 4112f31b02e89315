import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { x402Client } from '@x402/core/client'
import { ExactEvmScheme } from '@x402/evm/exact/client'
import { wrapFetchWithPayment } from '@x402/fetch'
import { Mppx } from 'mppx/client'
import * as evm from 'mppx/evm/client'
import { type Hex, parseAbiItem } from 'viem'
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import { auditGateway } from '../../scripts/audit/audit-gateway.ts'
import { type LocalChain, startChain } from '../support/chain.ts'
import { payeeIndex, startGateway, type TestGateway } from '../support/gateway.ts'
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

const statusOf = async (response: Response, { url } = sold.gateway): Promise<Record<string, unknown>> => {
  const link = /<([^>]+)>; rel="status"/.exec(response.headers.get('link') ?? '')?.[1] ?? '/none'
  return (await fetch(url + link)).json() as Promise<Record<string, unknown>>
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

  test.each(calls)('default: a %s that went well leaves no doubt behind', async (_, init) => {
    const payer = await sold.payer(1_000_000n)
    const pay = clients[0]?.[1](payer) ?? fetch
    for (let bought = 1; bought <= 3; bought += 1) {
      const response = await pay(sold.url(`/before-release?of=${payer.address}`), { ...init })
      expect([response.status, response.headers.has('farthing-replayed')]).toEqual([200, false])
      await response.text()
      expect(runsFor(payer)).toBe(bought)
    }
    expect(await transfers(payer)).toHaveLength(3)
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

const patient = { timeout: 20_000, interval: 20 }

/** Starts gateways one after another, or beside each other, on one ledger. */
async function house(): Promise<() => Promise<TestGateway>> {
  const directory = await mkdtemp(join(tmpdir(), 'farthing-house-'))
  const running: TestGateway[] = []
  onTestFinished(async () => {
    node.heal()
    for (const gateway of running) await gateway.end().catch(() => {})
    await rm(directory, { recursive: true, force: true })
  })
  const shared = {
    chain,
    directory,
    secret: randomBytes(32).toString('base64'),
    routes: orders.map((settle) => ({
      path: `/${settle}`,
      price: '0.01',
      settle,
      upstream: sold.upstream.url,
    })),
    override: {
      chain: {
        id: chain.chainId,
        rpcUrl: node.url,
        relayerKey: { env: 'FARTHING_RELAYER_KEY' },
        // What other books have booked is not theirs.
        startBlock: Number(await chain.publicClient.getBlockNumber()) + 1,
        pollMs: 50,
        timeoutMs: 300,
      },
    },
  }
  return async () => {
    const gateway = await startGateway(shared)
    running.push(gateway)
    return gateway
  }
}

const doubtful = clients.flatMap(([client, of]) =>
  (['before-call', 'before-release'] as const).map((order) => ({ client, of, order })),
)

describe('a gateway that is restarted before its caller asks again', () => {
  test.each(doubtful)(
    'default: $client, settled $order, resolved while nobody asked: pays once, and ends with the answer',
    async ({ of, order }) => {
      const start = await house()
      const payer = await sold.payer(1_000_000n)
      const pay = of(payer)
      const path = `/${order}?of=${payer.address}`
      const one = await start()
      takeAndSayNothing()
      const first = await pay(one.url + path)
      expect(first.status).toBe(503)
      node.heal()
      await vi.waitFor(
        async () => expect(await statusOf(first, one)).toMatchObject({ status: settledAs[order] }),
        patient,
      )
      await one.end()

      const two = await start()
      const last = await pay(two.url + path)
      expect(last.status).toBe(200)
      expect(await last.json()).toMatchObject({ method: 'GET' })
      expect(last.headers.has('farthing-receipt')).toBe(true)
      expect(await transfers(payer)).toHaveLength(1)
      expect(runsFor(payer)).toBe(1)
      await vi.waitFor(async () => expect((await auditGateway(two)).text).toContain('All holds.'), patient)
      // It was answered: from now on the call is bought as usual.
      expect((await pay(two.url + path)).status).toBe(200)
      expect(await transfers(payer)).toHaveLength(2)
    },
  )

  test('default: what nobody knew when it stopped is resolved by the next one, and serves the caller', async () => {
    const start = await house()
    const payer = await sold.payer(1_000_000n)
    const pay = clients[0]?.[1](payer) ?? fetch
    const path = `/before-release?of=${payer.address}`
    const one = await start()
    takeAndSayNothing()
    expect((await pay(one.url + path)).status).toBe(503)
    await one.end()
    node.heal()
    const two = await start()
    await vi.waitFor(async () => expect((await pay(two.url + path)).status).toBe(200), patient)
    expect(await transfers(payer)).toHaveLength(1)
    expect(runsFor(payer)).toBe(1)
  })

  test('behavior: a call from its credit that comes to nothing leaves the credit to the next one', async () => {
    const start = await house()
    const payer = await sold.payer(1_000_000n)
    const pay = clients[0]?.[1](payer) ?? fetch
    const path = `/before-call?of=${payer.address}`
    const one = await start()
    takeAndSayNothing()
    const first = await pay(one.url + path)
    node.heal()
    await vi.waitFor(
      async () => expect(await statusOf(first, one)).toMatchObject({ status: 'credited' }),
      patient,
    )
    // The upstream says nothing, and the caller has had enough.
    const impatient = new AbortController()
    onTestFinished(() => sold.upstream.forget())
    sold.upstream.onRequest = () => {
      impatient.abort()
      return new Promise(() => {})
    }
    await expect(pay(one.url + path, { signal: impatient.signal })).rejects.toThrow()
    sold.upstream.forget()
    await vi.waitFor(async () => expect(await one.deps.ledger.openPayments(9)).toEqual([]), patient)
    expect((await pay(one.url + path)).status).toBe(200)
    expect(await transfers(payer)).toHaveLength(1)
    expect(await payer.balance()).toBe(990_000n)
  })
})

describe('two gateways on one ledger', () => {
  test.each(doubtful)(
    'default: $client, settled $order, is told 503 by one and calls the other: pays once',
    async ({ of, order }) => {
      const start = await house()
      const [leader, other] = [await start(), await start()]
      const payer = await sold.payer(1_000_000n)
      const pay = of(payer)
      const path = `/${order}?of=${payer.address}`
      takeAndSayNothing()
      const first = await pay(other.url + path)
      expect(first.status).toBe(503)
      expect((await pay(leader.url + path)).status).toBe(503)
      node.heal()
      await vi.waitFor(
        async () => expect(await statusOf(first, leader)).toMatchObject({ status: settledAs[order] }),
        patient,
      )
      await other.end()
      expect((await pay(leader.url + path)).status).toBe(200)
      expect(await transfers(payer)).toHaveLength(1)
      expect(runsFor(payer)).toBe(1)
      await vi.waitFor(async () => expect((await auditGateway(leader)).text).toContain('All holds.'), patient)
    },
  )

  test.each(orders.slice(0, 2))(
    'behavior: settled %s, two later credentials at once: one is served by the payment, one pays for itself',
    async (order) => {
      const start = await house()
      const gateways = [await start(), await start()]
      const [leader] = gateways as [TestGateway]
      const payer = await sold.payer(1_000_000n)
      const pay = clients[1]?.[1](payer) ?? fetch
      const path = `/${order}?of=${payer.address}`
      takeAndSayNothing()
      const first = await pay(leader.url + path)
      node.heal()
      await vi.waitFor(
        async () => expect(await statusOf(first, leader)).toMatchObject({ status: settledAs[order] }),
        patient,
      )
      const both = await Promise.all(gateways.map(({ url }) => pay(url + path)))
      expect(both.map(({ status }) => status)).toEqual([200, 200])
      expect(await transfers(payer)).toHaveLength(2)
      expect(runsFor(payer)).toBe(2)
      await vi.waitFor(async () => expect((await auditGateway(leader)).text).toContain('All holds.'), patient)
    },
  )
})
