import { type Hex, parseAbi } from 'viem'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import * as Challenge from '../../gateway/protocol/mpp/Challenge.ts'
import { type Sold, sell } from '../support/sold.ts'
import { offers, type wallet } from '../support/wallet.ts'

/**
 * Attacks 5 and 7: the payer takes its money away between the check and the settlement. The promise: on a route that
 * settles before it releases, no byte leaves unpaid, and nobody is charged for nothing.
 */

let sold: Sold
beforeAll(async () => {
  sold = await sell([
    { path: '/call', price: '0.01' },
    { path: '/stream', price: '0.01' },
    { path: '/after', price: '0.01', settle: 'after' },
  ])
})
afterAll(() => sold?.close())
afterEach(() => sold.upstream.forget())

const abi = parseAbi(['function transfer(address to, uint256 value) returns (bool)'])

async function spendEverything(payer: wallet.Wallet): Promise<void> {
  const hash = await sold.chain.walletClient(payer.account).writeContract({
    address: sold.chain.token,
    abi,
    functionName: 'transfer',
    args: [sold.chain.accounts[0]?.address ?? '0x', await payer.balance()],
  })
  await sold.chain.publicClient.waitForTransactionReceipt({ hash })
}

describe('money that moves during the call', () => {
  test.each(['/call', '/stream'])(
    'error: a payer that spends its tokens while %s runs gets no byte of the answer',
    async (path) => {
      const payer = await sold.payer(1_000_000n)
      const { charge } = await offers(sold.url(path))
      sold.upstream.onRequest = () => spendEverything(payer)
      const response = await fetch(sold.url(path), { headers: await payer.charge(charge) })
      expect(response.status).toBe(402)
      const text = await response.text()
      expect(text).not.toContain('data:')
      expect(JSON.parse(text)).toMatchObject({ code: 'verification-failed' })
      expect(response.headers.has('farthing-receipt')).toBe(false)
      expect(sold.upstream.seen).toHaveLength(1)
      expect(await payer.balance()).toBe(0n)
    },
  )

  test('error: an authorisation that somebody else submits meanwhile pays once, and the call is delivered', async () => {
    const payer = await sold.payer(1_000_000n)
    const { charge } = await offers(sold.url('/call'))
    const headers = await payer.charge(charge)
    const before = await payer.balance()
    sold.upstream.onRequest = async () => {
      const [, token = ''] = headers.authorization?.split(' ') ?? []
      const { payload } = JSON.parse(Buffer.from(token, 'base64url').toString()) as {
        payload: Record<'from' | 'to' | 'nonce' | 'signature', Hex> &
          Record<'value' | 'validAfter' | 'validBefore', string>
      }
      const [anybody] = sold.chain.accounts
      if (anybody === undefined) throw new Error('no account')
      const hash = await sold.chain.walletClient(anybody).writeContract({
        address: sold.chain.token,
        abi: parseAbi([
          'function transferWithAuthorization(address from, address to, uint256 value, uint256 validAfter, uint256 validBefore, bytes32 nonce, bytes signature)',
        ]),
        functionName: 'transferWithAuthorization',
        args: [
          payload.from,
          payload.to,
          BigInt(payload.value),
          BigInt(payload.validAfter),
          BigInt(payload.validBefore),
          payload.nonce,
          payload.signature,
        ],
      })
      await sold.chain.publicClient.waitForTransactionReceipt({ hash })
    }
    const response = await fetch(sold.url('/call'), { headers })
    expect(response.status).toBe(200)
    expect(before - (await payer.balance())).toBe(10_000n)
  })

  test('error: an order that serves first books the loss, and counts nothing as paid', async () => {
    const payer = await sold.payer(1_000_000n)
    const { charge } = await offers(sold.url('/after'))
    sold.upstream.onRequest = () => spendEverything(payer)
    const response = await fetch(sold.url('/after'), { headers: await payer.charge(charge) })
    expect(response.status).toBe(200)
    const key = `eip3009:${sold.chain.chainId}:${sold.chain.token.toLowerCase()}:${payer.address}:${Challenge.hash(charge)}`
    await vi.waitFor(async () =>
      expect(await sold.gateway.deps.ledger.payment({ key })).toMatchObject({ money: 'lost', charged: 0n }),
    )
  })

  test('behavior: a chain that stops mining is answered 503 with a payment id, never with a fresh 402; then the answer is there', async () => {
    const payer = await sold.payer(1_000_000n)
    const slow = await sell([{ path: '/call', price: '0.01' }], {
      chain: sold.chain,
      override: {
        chain: {
          id: sold.chain.chainId,
          rpcUrl: sold.chain.rpcUrl,
          startBlock: 0,
          relayerKey: { env: 'FARTHING_RELAYER_KEY' },
          pollMs: 50,
          timeoutMs: 400,
        },
      },
    })
    try {
      const { charge } = await offers(slow.url('/call'))
      const headers = await payer.charge(charge)
      await sold.chain.testClient.setAutomine(false)
      const first = await fetch(slow.url('/call'), { headers })
      expect(first.status).toBe(503)
      expect(first.headers.has('www-authenticate')).toBe(false)
      expect(first.headers.has('payment-required')).toBe(false)
      expect(first.headers.get('retry-after')).toMatch(/^\d+$/)
      expect(await first.json()).toMatchObject({
        code: 'payment-unknown',
        paymentId: expect.stringMatching(/^pay_/),
      })
      expect((await fetch(slow.url('/call'), { headers })).status).toBe(503)
      await sold.chain.testClient.setAutomine(true)
      await sold.chain.mine(1)
      const answer = await vi.waitFor(
        async () => {
          const again = await fetch(slow.url('/call'), { headers })
          expect(again.status).toBe(200)
          return again
        },
        { timeout: 20_000, interval: 200 },
      )
      expect(answer.headers.get('farthing-replayed')).toBe('true')
      expect(slow.upstream.seen).toHaveLength(1)
      expect(await payer.balance()).toBe(990_000n)
    } finally {
      await sold.chain.testClient.setAutomine(true)
      await slow.close()
    }
  })
})
