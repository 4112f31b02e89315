import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createMemoryStore, createPayingFetch, PaymentRefusedError } from '../../client/index.ts'
import { type FakeGateway, startFakeGateway } from './support/fake-gateway.ts'
import { countingAccount } from './support/wallet.ts'

/** One voucher for several calls: what it saves, and what it may cost with a seller that is not honest. */

let gateway: FakeGateway
beforeEach(async () => {
  gateway = await startFakeGateway()
})
afterEach(() => gateway.close())

function client(options: Partial<createPayingFetch.Options> = {}) {
  const account = countingAccount()
  const store = createMemoryStore()
  const limits = { perCall: 10_000n, perDay: 1_000_000n }
  const make = () => createPayingFetch({ account, limits, store, voucherCalls: 10, ...options })
  return { account, store, make, payingFetch: make() }
}

const held = async (store: ReturnType<typeof createMemoryStore>) =>
  Object.values((await store.read()).channels)[0]

describe('voucherCalls', () => {
  test('default: ten calls share one voucher and one signature', async () => {
    const { payingFetch, account, store } = client()
    for (let call = 0; call < 10; call++) expect((await payingFetch(gateway.url)).status).toBe(200)
    expect(new Set(gateway.vouchers)).toEqual(new Set([10_000n]))
    expect(account.signatures()).toBe(2)
    expect(await held(store)).toMatchObject({ signed: 10_000n, spent: 10_000n, reserved: {} })
    await payingFetch(gateway.url)
    expect(account.signatures()).toBe(3)
    expect(gateway.vouchers.at(-1)).toBe(20_000n)
  })

  test('behavior: calls at once do not wait for each other’s answers, and need a signature for ten', async () => {
    const { payingFetch, account } = client()
    await payingFetch(gateway.url)
    let arrived = 0
    const all = Promise.withResolvers<void>()
    gateway.before = async () => {
      arrived++
      if (arrived === 50) all.resolve()
      await all.promise
      return undefined as unknown as Response
    }
    const answers = await Promise.all(Array.from({ length: 50 }, () => payingFetch(gateway.url)))
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]))
    expect([...gateway.channels.values()]).toMatchObject([{ accepted: 60_000n, spent: 51_000n }])
    expect(account.signatures()).toBe(2 + 5)
    expect(new Set(gateway.seen.map(({ headers }) => headers.get('idempotency-key'))).size).toBe(51 + 1)
  })

  test('behavior: no more is signed ahead than limits.ahead, by default the price of one call', async () => {
    const { payingFetch } = client({ limits: { perCall: 3_500n, perDay: 1_000_000n } })
    await payingFetch(gateway.url)
    expect(gateway.vouchers).toEqual([4_000n])
    const other = client({ limits: { perCall: 1_000n, perDay: 1_000_000n, ahead: 5_000n } })
    gateway.channels.clear()
    await other.payingFetch(gateway.url)
    expect(gateway.vouchers.at(-1)).toBe(6_000n)
  })

  test('behavior: the limits of the day and the host count what is signed ahead, which yields to them', async () => {
    const { payingFetch, store } = client({
      limits: { perCall: 10_000n, perDay: 20_000n, perHost: 12_500n, deposit: 100_000n },
    })
    for (let call = 0; call < 12; call++) await payingFetch(gateway.url)
    expect(new Set(gateway.vouchers)).toEqual(new Set([10_000n, 12_000n]))
    const { spending } = await store.read()
    expect(Object.values(spending.tokens)).toMatchObject([{ total: 12_000n }])
    await expect(payingFetch(gateway.url)).rejects.toThrow(PaymentRefusedError)
  })

  test('behavior: the rest of a voucher is used by another process with the same store', async () => {
    const { payingFetch, make, store } = client()
    await payingFetch(gateway.url)
    await make()(gateway.url)
    expect(gateway.vouchers).toEqual([10_000n, 10_000n])
    expect(await held(store)).toMatchObject({ signed: 10_000n, spent: 2_000n })
  })

  test('behavior: a close gives what was signed ahead back', async () => {
    const { payingFetch } = client()
    await payingFetch(gateway.url)
    const [channel] = await payingFetch.channels()
    if (channel === undefined) throw new Error('no channel')
    expect(await payingFetch.close(channel.channelId)).toMatchObject({ paid: 1_000n, refunded: 99_000n })
  })

  test('error: a gateway that takes what was signed ahead gets it once, and nothing ahead any more', async () => {
    const { payingFetch, store } = client()
    const take = () => {
      for (const channel of gateway.channels.values()) channel.spent = channel.accepted
    }
    await payingFetch(gateway.url)
    for (let call = 0; call < 5; call++) {
      take()
      await payingFetch(gateway.url)
    }
    expect(gateway.delivered).toBe(6)
    expect(await held(store)).toMatchObject({ signed: 15_000n, ahead: 'claimed' })
    expect(gateway.vouchers.at(-1)).toBe(15_000n)
  })

  test('behavior: a channel whose vouchers were settled above what was spent is closed for what was taken', async () => {
    const { payingFetch } = client()
    await payingFetch(gateway.url)
    for (const channel of gateway.channels.values()) channel.spent = channel.accepted
    const [channel] = await payingFetch.channels()
    if (channel === undefined) throw new Error('no channel')
    expect(await payingFetch.close(channel.channelId)).toMatchObject({ paid: 10_000n, refunded: 90_000n })
  })

  test.each([0, -1, 1.5, Number.NaN])('error: %s is no number of calls', (voucherCalls) => {
    expect(() => client({ voucherCalls })).toThrow(RangeError)
  })
})
