import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createMemoryStore, createPayingFetch, type Payment } from '../../client/index.ts'
import { type FakeGateway, startFakeGateway } from './support/fake-gateway.ts'
import { countingAccount } from './support/wallet.ts'

const limits = { perCall: 10_000n, perDay: 1_000_000n }
let gateway: FakeGateway

beforeEach(async () => {
  gateway = await startFakeGateway()
})
afterEach(() => gateway.close())

function client(options: Partial<createPayingFetch.Options> = {}) {
  const account = countingAccount()
  const payments: Payment[] = []
  const store = createMemoryStore()
  const payingFetch = createPayingFetch({
    account,
    limits,
    store,
    onPayment: (payment) => payments.push(payment),
    ...options,
  })
  return { account, payments, store, payingFetch }
}

describe('createPayingFetch', () => {
  test('default: opens a channel, pays the call with its first voucher, and returns the answer', async () => {
    const { payingFetch, payments, account } = client()
    const response = await payingFetch(`${gateway.url}/data`)
    expect(response.status).toBe(200)
    expect(await response.text()).toBe('sold')
    expect(payments).toMatchObject([
      { rail: 'channel', amount: 1_000n, proof: 'farthing', accepted: 1_000n, spent: 1_000n },
    ])
    expect(account.signatures()).toBe(2)
    expect([...gateway.channels.values()]).toMatchObject([{ deposit: 100_000n, spent: 1_000n }])
  })

  test('behavior: the next call needs one request and one signature', async () => {
    const { payingFetch, account } = client()
    await payingFetch(`${gateway.url}/data`)
    const before = { seen: gateway.seen.length, signatures: account.signatures() }
    await payingFetch(`${gateway.url}/data`)
    expect(gateway.seen.length - before.seen).toBe(1)
    expect(account.signatures() - before.signatures).toBe(1)
    expect(gateway.vouchers).toEqual([1_000n, 2_000n])
  })

  test.each(['mpp', 'x402'] as const)('default: pays by charge in dialect %s', async (dialect) => {
    gateway.terms.dialects = [dialect]
    const { payingFetch, payments, account } = client({ rails: ['charge'] })
    const response = await payingFetch(`${gateway.url}/data`, { method: 'POST', body: 'question' })
    expect(response.status).toBe(200)
    expect(payments).toMatchObject([{ rail: 'charge', amount: 1_000n, proof: 'farthing' }])
    expect(account.signatures()).toBe(1)
    expect(gateway.seen.filter(({ path }) => path === '/data').map(({ body }) => body)).toEqual([
      'question',
      'question',
    ])
  })

  test('behavior: an answer that asks for nothing passes through unread', async () => {
    gateway.before = () => new Response('free', { status: 201, headers: { 'x-kept': 'yes' } })
    const { payingFetch, account } = client()
    const response = await payingFetch(`${gateway.url}/free`)
    expect([response.status, response.headers.get('x-kept'), await response.text()]).toEqual([
      201,
      'yes',
      'free',
    ])
    expect(account.signatures()).toBe(0)
  })

  test('behavior: a 402 without a readable offer is returned as it is', async () => {
    gateway.before = () => new Response('pay somehow', { status: 402 })
    const { payingFetch } = client()
    expect((await payingFetch(gateway.url)).status).toBe(402)
  })

  test('behavior: fifty calls at once on one channel sign fifty different, increasing vouchers', async () => {
    const { payingFetch, store } = client()
    const answers = await Promise.all(Array.from({ length: 50 }, () => payingFetch(`${gateway.url}/data`)))
    expect(answers.map(({ status }) => status)).toEqual(Array(50).fill(200))
    expect(gateway.channels.size).toBe(1)
    const sorted = gateway.vouchers.toSorted((a, b) => Number(a - b))
    expect(sorted).toEqual(Array.from({ length: 50 }, (_, index) => BigInt(index + 1) * 1_000n))
    const [channel] = Object.values((await store.read()).channels)
    expect(channel).toMatchObject({ signed: 50_000n, spent: 50_000n, reserved: {} })
  })

  test('behavior: the number is in the store before the voucher leaves', async () => {
    const { payingFetch, store } = client()
    await payingFetch(`${gateway.url}/data`)
    let stored: bigint | undefined
    gateway.before = async () => {
      stored = Object.values((await store.read()).channels)[0]?.signed
      return undefined as unknown as Response
    }
    await payingFetch(`${gateway.url}/data`)
    expect(stored).toBe(2_000n)
  })

  test('behavior: a call that failed upstream costs nothing, and its voucher pays for the next', async () => {
    const { payingFetch, store } = client()
    await payingFetch(`${gateway.url}/data`)
    gateway.upstream = () => new Response('broken', { status: 502 })
    expect((await payingFetch(`${gateway.url}/data`)).status).toBe(502)
    gateway.upstream = () => new Response('sold')
    expect((await payingFetch(`${gateway.url}/data`)).status).toBe(200)
    expect(gateway.vouchers).toEqual([1_000n, 2_000n, 2_000n])
    expect(Object.values((await store.read()).channels)[0]).toMatchObject({ signed: 2_000n, spent: 2_000n })
  })

  test('behavior: tops the channel up when the deposit runs short', async () => {
    gateway.terms.suggestedDeposit = 2_000n
    const { payingFetch } = client()
    for (let call = 0; call < 5; call++) expect((await payingFetch(`${gateway.url}/data`)).status).toBe(200)
    expect([...gateway.channels.values()]).toMatchObject([{ deposit: 6_000n, spent: 5_000n }])
  })

  test('behavior: calls at once that need a top-up share one', async () => {
    gateway.terms.suggestedDeposit = 10_000n
    const { payingFetch } = client()
    await Promise.all(Array.from({ length: 15 }, () => payingFetch(`${gateway.url}/data`)))
    expect(gateway.delivered).toBe(15)
    expect([...gateway.channels.values()]).toMatchObject([{ deposit: 20_000n }])
  })

  test('behavior: vouchers keep the least step that the gateway asks for', async () => {
    gateway.terms.minVoucherDelta = 3_000n
    const { payingFetch } = client()
    for (let call = 0; call < 5; call++) expect((await payingFetch(`${gateway.url}/data`)).status).toBe(200)
    expect(gateway.vouchers).toEqual([3_000n, 3_000n, 3_000n, 6_000n, 6_000n])
  })

  test('behavior: a dearer price is paid when the limits allow it', async () => {
    const { payingFetch, payments } = client()
    await payingFetch(`${gateway.url}/data`)
    gateway.terms.price = 5_000n
    expect((await payingFetch(`${gateway.url}/data`)).status).toBe(200)
    expect(payments.map(({ amount }) => amount)).toEqual([1_000n, 5_000n])
    expect([...gateway.channels.values()]).toMatchObject([{ accepted: 6_000n, spent: 6_000n }])
  })

  test('behavior: follows the gateway when it has charged more of what was signed than we counted', async () => {
    const { payingFetch } = client()
    await payingFetch(`${gateway.url}/data`)
    gateway.upstream = () => new Response('broken', { status: 502 })
    await payingFetch(`${gateway.url}/data`)
    gateway.upstream = () => new Response('sold')
    for (const channel of gateway.channels.values()) channel.spent = 2_000n
    expect((await payingFetch(`${gateway.url}/data`)).status).toBe(200)
    expect(gateway.vouchers).toEqual([1_000n, 2_000n, 2_000n, 3_000n])
  })

  test('behavior: a channel that the gateway closed is replaced by a new one', async () => {
    const { payingFetch } = client()
    await payingFetch(`${gateway.url}/data`)
    for (const channel of gateway.channels.values()) channel.finalized = true
    expect((await payingFetch(`${gateway.url}/data`)).status).toBe(200)
    expect(gateway.channels.size).toBe(2)
  })

  test('behavior: closes a channel for what was spent', async () => {
    const { payingFetch } = client()
    await payingFetch(`${gateway.url}/data`)
    const [channel] = await payingFetch.channels()
    if (channel === undefined) throw new Error('no channel')
    expect(await payingFetch.close(channel.channelId)).toEqual({
      channelId: channel.channelId,
      transaction: `0x${'ab'.repeat(32)}`,
      paid: 1_000n,
      refunded: 99_000n,
    })
    expect(await payingFetch.channels()).toMatchObject([{ state: 'closed' }])
  })

  test('behavior: pays from the balance after signing in, and otherwise when it is empty', async () => {
    gateway.terms.rails = ['balance', 'charge']
    const { payingFetch, payments, account } = client({ rails: ['balance', 'charge'] })
    gateway.balances.set(account.address.toLowerCase() as `0x${string}`, 1_500n)
    await payingFetch(`${gateway.url}/data`)
    await payingFetch(`${gateway.url}/data`)
    expect(payments.map(({ rail }) => rail)).toEqual(['balance', 'charge'])
    expect(await payingFetch.balance(gateway.url)).toMatchObject([{ symbol: 'TUSD', available: 500n }])
  })

  test('behavior: a bearer of the caller moves aside for the payment', async () => {
    const { payingFetch } = client()
    await payingFetch(`${gateway.url}/data`, { headers: { Authorization: 'Bearer mine' } })
    const paid = gateway.seen.at(-1)
    expect(gateway.seen[0]?.headers.get('authorization')).toBe('Bearer mine')
    expect(
      paid?.headers.get('farthing-session') ??
        gateway.seen.find(({ headers }) => headers.has('farthing-session'))?.headers.get('farthing-session'),
    ).toBe('mine')
  })

  test('behavior: a stock server without Farthing receipts is paid all the same', async () => {
    gateway.terms.farthing = false
    const { payingFetch, payments } = client()
    await payingFetch(`${gateway.url}/data`)
    await payingFetch(`${gateway.url}/data`)
    expect(payments).toMatchObject([
      { proof: 'mpp', accepted: 1_000n },
      { proof: 'mpp', accepted: 2_000n },
    ])
  })
})
