import { x402Client } from '@x402/core/client'
import { ExactEvmScheme } from '@x402/evm/exact/client'
import { decodePaymentResponseHeader, wrapFetchWithPayment } from '@x402/fetch'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type SampleUpstream, serveSampleUpstream } from '../../scripts/sample-upstream.ts'
import { type LocalChain, startChain } from '../support/chain.ts'
import { startGateway, type TestGateway } from '../support/gateway.ts'

/** The promise: any stock x402 client can pay us. The client is the published package, unmodified. */
describe('@x402/fetch', () => {
  let chain: LocalChain
  let upstream: SampleUpstream
  let gateway: TestGateway

  beforeAll(async () => {
    chain = await startChain()
    upstream = await serveSampleUpstream({ port: 0 })
    gateway = await startGateway({
      chain,
      routes: [
        { path: '/countries/:code', upstream: upstream.url, price: '0.01' },
        { method: 'POST', path: '/echo', upstream: upstream.url, price: '0.02', settle: 'before-call' },
        { path: '/stream', upstream: upstream.url, price: '0.03', settle: 'after' },
      ],
    })
  })
  afterAll(async () => {
    await gateway?.end()
    await upstream?.close()
    await chain?.close()
  })

  async function payer(index: number) {
    const account = chain.accounts[index]
    if (account === undefined) throw new Error('no such account')
    await chain.mint(account.address, 1_000_000n)
    const client = new x402Client().register(`eip155:${chain.chainId}`, new ExactEvmScheme(account))
    return { account, fetch: wrapFetchWithPayment(fetch, client) }
  }

  test('default: pays a route, gets the answer and a receipt that it accepts', async () => {
    const { account, fetch } = await payer(5)
    const response = await fetch(`${gateway.url}/countries/AT`)
    expect(response.status).toBe(200)
    expect(await response.json()).toMatchObject({ cca2: 'AT' })
    const settled = decodePaymentResponseHeader(response.headers.get('PAYMENT-RESPONSE') ?? '')
    expect(settled).toMatchObject({ success: true, network: `eip155:${chain.chainId}` })
    expect(settled.payer?.toLowerCase()).toBe(account.address.toLowerCase())
    const receipt = await chain.publicClient.getTransactionReceipt({
      hash: settled.transaction as `0x${string}`,
    })
    expect(receipt.status).toBe('success')
  })
})
