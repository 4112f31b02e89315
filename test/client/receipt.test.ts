import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createMemoryStore, createPayingFetch, ReceiptError } from '../../client/index.ts'
import * as Receipt from '../../gateway/protocol/Receipt.ts'
import * as SignedReceipt from '../../gateway/protocol/SignedReceipt.ts'
import { type FakeGateway, startFakeGateway } from './support/fake-gateway.ts'
import { receiptKeys } from './support/receipt-keys.ts'
import { countingAccount } from './support/wallet.ts'

let gateway: FakeGateway
beforeEach(async () => {
  gateway = await startFakeGateway()
})
afterEach(() => gateway.close())

const client = () =>
  createPayingFetch({
    account: countingAccount(),
    limits: { perCall: 10_000n, perDay: 100_000n },
    store: createMemoryStore(),
  })

/** Changes the receipts of all paid answers, and signs them again with `sign`. */
function tamper(change: Partial<SignedReceipt.Claims>, sign = gateway.keys.sign) {
  gateway.after = async (response) => {
    const jws = response.headers.get(SignedReceipt.header)
    if (jws === null) return response
    const claims = await SignedReceipt.verify(jws, gateway.keys.publicKey)
    const { root, signed } = SignedReceipt.together([{ ...claims, ...change }])
    const headers = new Headers(response.headers)
    headers.set(SignedReceipt.header, signed(await sign(root))[0] ?? '')
    return new Response(response.body, { status: response.status, headers })
  }
}

describe('receipts', () => {
  test('error: signed by another key', async () => {
    tamper({}, (await receiptKeys()).sign)
    const error = await client()(gateway.url).catch((error: unknown) => error)
    expect(error).toBeInstanceOf(ReceiptError)
    expect(await (error as ReceiptError).response.text()).toBe('sold')
  })

  test('error: the gateway’s key changed since it was first seen', async () => {
    const payingFetch = client()
    await payingFetch(gateway.url)
    gateway.keys = await receiptKeys()
    await expect(payingFetch(gateway.url)).rejects.toThrow(ReceiptError)
  })

  test.each([
    ['another wallet', { sub: '0x9999999999999999999999999999999999999999' }],
    ['more than the price', { amount: 1_001n }],
    ['another rail', { rail: 'charge' }],
    ['another token', { asset: 'eip155:31337/erc20:0x9999999999999999999999999999999999999999' }],
    ['another channel', { channelId: `0x${'00'.repeat(32)}` }],
    ['more accepted than was signed', { acceptedCumulative: 1_001n }],
    ['more spent than was accepted', { spent: 1_001n }],
  ] as Array<[string, Partial<SignedReceipt.Claims>]>)('error: says %s', async (_name, change) => {
    tamper(change)
    await expect(client()(gateway.url)).rejects.toThrow(ReceiptError)
  })

  test('error: missing where the gateway owes one', async () => {
    gateway.after = (response) => {
      const headers = new Headers(response.headers)
      headers.delete(SignedReceipt.header)
      return new Response(response.body, { status: response.status, headers })
    }
    await expect(client()(gateway.url)).rejects.toThrow(ReceiptError)
  })

  test('error: a stock receipt that claims more than was signed', async () => {
    gateway.terms.farthing = false
    gateway.after = (response) => {
      const header = response.headers.get(Receipt.header)
      if (header === null) return response
      const headers = new Headers(response.headers)
      headers.set(
        Receipt.header,
        Receipt.serialize({ ...Receipt.parse(header), acceptedCumulative: '99999' }),
      )
      return new Response(response.body, { status: response.status, headers })
    }
    await expect(client()(gateway.url)).rejects.toThrow(ReceiptError)
  })
})
