import { generatePrivateKey } from 'viem/accounts'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import {
  createPayingFetch,
  type PayingFetch,
  PaymentRefusedError,
  type Withdrawal,
} from '../../client/index.ts'
import { createKeyAccount } from '../../client/node.ts'
import { type Sold, sell } from '../support/sold.ts'

/** Credit leaves a gateway for the wallet it belongs to, or for whom that wallet names. */

let sold: Sold
beforeAll(async () => {
  sold = await sell([{ path: '/thing', price: '0.001', rails: ['charge', 'balance'] }], {
    override: { withdrawals: { minimum: '0.5', dailyPerWallet: '100', dailyTotal: '1000' } },
  })
})
afterAll(() => sold?.close())

/** A wallet with 8 USD of credit; some of its withdrawals' answers are lost. */
async function rich(lose: (asked: number) => boolean = () => false) {
  const account = createKeyAccount(generatePrivateKey())
  await sold.chain.mint(account.address, 20_000_000n)
  let asked = 0
  const payingFetch = createPayingFetch({
    account,
    limits: { perCall: 10_000_000n, perDay: 20_000_000n },
    rails: ['charge'],
    clock: { now: () => Date.now(), wait: async () => {} },
    fetch: async (input, init) => {
      const response = await fetch(input, init)
      if (init?.method !== 'POST' || !String(input).endsWith('/farthing/withdrawals')) return response
      asked += 1
      if (!lose(asked)) return response
      await response.arrayBuffer()
      throw new TypeError('The connection was cut.')
    },
  })
  const url = sold.url('/farthing/balance/top-up?amount=8')
  expect((await payingFetch(url, { method: 'POST' })).status).toBe(200)
  return { account, payingFetch, asked: () => asked }
}

const paid = (payingFetch: PayingFetch, { id }: Withdrawal) =>
  vi.waitFor(
    async () => {
      const now = await payingFetch.withdrawal(sold.gateway.url, id)
      expect(now.state).toBe('paid')
      return now
    },
    { timeout: 20_000, interval: 50 },
  )

const available = async (payingFetch: PayingFetch) =>
  (await payingFetch.balance(sold.gateway.url)).find(({ symbol }) => symbol === 'USD')?.available

describe('withdrawBalance', () => {
  test('default: pays credit out to the wallet itself', async () => {
    const { account, payingFetch } = await rich()
    const withdrawal = await payingFetch.withdrawBalance(sold.gateway.url, { amount: 3_000_000n })
    const to = account.address.toLowerCase()
    expect(withdrawal).toMatchObject({ wallet: to, to, amount: 3_000_000n, symbol: 'USD' })
    expect((await paid(payingFetch, withdrawal)).transaction).toMatch(/^0x[0-9a-f]{64}$/)
    expect(await available(payingFetch)).toBe(5_000_000n)
    expect(await sold.audit()).toBe('All holds.')
  })

  test('behavior: pays somebody else with a signed request', async () => {
    const { payingFetch } = await rich()
    const other = await sold.payer(0n)
    const request = { amount: 2_000_000n, to: other.address }
    await paid(payingFetch, await payingFetch.withdrawBalance(sold.gateway.url, request))
    expect(await other.balance()).toBe(2_000_000n)
  })

  test.each(['itself', 'somebody else'])(
    'behavior: lost answers make no second withdrawal to %s',
    async (whom) => {
      const { payingFetch, asked } = await rich((count) => count < 3)
      const other = await sold.payer(0n)
      const to = whom === 'itself' ? undefined : other.address
      const request = { amount: 1_000_000n, to, idempotencyKey: 'mine' }
      const first = await payingFetch.withdrawBalance(sold.gateway.url, request)
      expect(asked()).toBe(3)
      const again = await payingFetch.withdrawBalance(sold.gateway.url, request)
      expect(again.id).toBe(first.id)
      expect(await available(payingFetch)).toBe(7_000_000n)
    },
  )

  test('error: the gateway’s refusal is said, and nothing moves', async () => {
    const { payingFetch } = await rich()
    const { url } = sold.gateway
    await expect(payingFetch.withdrawBalance(url, { amount: 9_000_000n })).rejects.toMatchObject({
      code: 'withdrawal-refused',
      message: expect.stringContaining('insufficient-credit'),
    })
    await expect(payingFetch.withdrawBalance(url, { amount: 1n, symbol: 'XYZ' })).rejects.toMatchObject({
      code: 'no-such-token',
    })
    await expect(payingFetch.withdrawal(url, 'wd_0')).rejects.toMatchObject({ code: 'withdrawal-refused' })
    expect(await available(payingFetch)).toBe(8_000_000n)
  })

  test('error: nobody who answers is an unknown outcome, and its key is told', async () => {
    const { payingFetch } = await rich(() => true)
    const request = { amount: 1_000_000n, idempotencyKey: 'mine' }
    await expect(payingFetch.withdrawBalance(sold.gateway.url, request)).rejects.toMatchObject({
      code: 'withdrawal-unknown',
      fix: expect.stringContaining('mine'),
    })
  })

  test('error: nothing is signed for another payee than the origin has always named', async () => {
    const { account } = await rich()
    const signatures: string[] = []
    const payingFetch = createPayingFetch({
      account: {
        ...account,
        signTypedData: async (typed) => {
          signatures.push(String(typed.primaryType))
          return account.signTypedData(typed)
        },
      },
      limits: { perCall: 10_000_000n, perDay: 20_000_000n },
      rails: ['charge'],
      fetch: async (input, init) => {
        const response = await fetch(input, init)
        if (!String(input).endsWith('/farthing')) return response
        return Response.json({ ...((await response.json()) as object), payee: account.address })
      },
    })
    await payingFetch(sold.url('/thing'))
    const other = await sold.payer(0n)
    const request = { amount: 1_000_000n, to: other.address }
    await expect(payingFetch.withdrawBalance(sold.gateway.url, request)).rejects.toThrow(PaymentRefusedError)
    expect(signatures).toEqual(['TransferWithAuthorization'])
  })
})
