import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createMemoryStore, createPayingFetch, type Payment } from '../../client/index.ts'
import { type LocalChain, startChain } from '../support/chain.ts'
import { startGateway, type TestGateway } from '../support/gateway.ts'

/** The client against the gateway itself, on a chain: what the fake gateway of the other tests stands for. */
describe('createPayingFetch and a real gateway', () => {
  let chain: LocalChain
  let gateway: TestGateway
  let status = 200
  const upstream = createServer((_request, response) => {
    response.writeHead(status, { 'content-type': 'text/plain' }).end('sold')
  })

  beforeAll(async () => {
    chain = await startChain()
    await new Promise<void>((resolve) => upstream.listen(0, '127.0.0.1', resolve))
    const url = `http://127.0.0.1:${(upstream.address() as AddressInfo).port}`
    const rails: Array<'channel' | 'charge' | 'balance'> = ['channel', 'charge', 'balance']
    const routes = [
      { path: '/data', price: '0.001', upstream: url, rails },
      { method: 'POST' as const, path: '/ask', price: '0.002', upstream: url, rails },
    ]
    gateway = await startGateway({ chain, routes })
  })
  afterAll(async () => {
    await gateway?.end()
    upstream.close()
    await chain?.close()
  })

  async function client(index: number, options: Partial<createPayingFetch.Options> = {}) {
    const account = chain.accounts[index]
    if (account === undefined) throw new Error('no such account')
    await chain.mint(account.address, 100_000_000n)
    const payments: Payment[] = []
    const make = (more: Partial<createPayingFetch.Options> = {}) =>
      createPayingFetch({
        account,
        limits: { perCall: 10_000_000n, perDay: 50_000_000n },
        onPayment: (payment) => payments.push(payment),
        ...options,
        ...more,
      })
    return { payments, make, payingFetch: make() }
  }

  test('default: one channel pays many calls at once, survives a failure, is recovered, topped up and closed', async () => {
    const { make, payingFetch, payments } = await client(3, { rpcUrl: chain.rpcUrl })
    const answers = await Promise.all(Array.from({ length: 50 }, () => payingFetch(`${gateway.url}/data`)))
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]))
    status = 500
    expect((await payingFetch(`${gateway.url}/data`)).status).toBe(500)
    status = 200
    const post = { method: 'POST', body: 'question' }
    expect(await (await payingFetch(`${gateway.url}/ask`, post)).text()).toBe('sold')
    expect(await payingFetch.channels()).toMatchObject([{ signed: 52_000n, spent: 52_000n, reserved: {} }])
    expect(new Set(payments.map(({ proof }) => proof))).toEqual(new Set(['farthing']))

    const lost = make({ store: createMemoryStore() })
    const [recovered] = await lost.recoverChannels(`${gateway.url}/data`)
    if (recovered === undefined) throw new Error('nothing was recovered')
    expect((await lost(`${gateway.url}/data`)).status).toBe(200)
    const { deposit } = await lost.topUp(recovered.channelId, 1_000_000n)
    expect(deposit).toBe(recovered.deposit + 1_000_000n)
    expect(await lost.close(recovered.channelId)).toMatchObject({
      paid: 53_000n,
      refunded: deposit - 53_000n,
    })
  })

  test('default: pays by charge, tops the balance up, and pays from it', async () => {
    const { make, payments } = await client(4, { rails: ['charge'] })
    const charge = make()
    expect((await charge(`${gateway.url}/ask`, { method: 'POST', body: 'question' })).status).toBe(200)
    const topped = await charge(`${gateway.url}/farthing/balance/top-up?amount=2`, { method: 'POST' })
    expect(await topped.json()).toMatchObject({ credited: '2000000' })
    const balance = make({ rails: ['balance', 'charge'] })
    expect((await balance(`${gateway.url}/data`)).status).toBe(200)
    expect(payments.map(({ rail, amount }) => [rail, amount])).toEqual([
      ['charge', 2_000n],
      ['charge', 2_000_000n],
      ['balance', 1_000n],
    ])
    expect(await balance.balance(gateway.url)).toContainEqual(
      expect.objectContaining({ symbol: 'USD', available: 1_999_000n }),
    )
  })

  test('behavior: a wallet without tokens gets the gateway’s refusal, and nothing was delivered', async () => {
    const { payingFetch, payments } = await client(5, { account: privateKeyToAccount(generatePrivateKey()) })
    const response = await payingFetch(`${gateway.url}/data`)
    expect([response.status, (await response.json()).code, payments]).toEqual([
      402,
      'insufficient-balance',
      [],
    ])
  })
})
