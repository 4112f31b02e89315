import { generatePrivateKey } from 'viem/accounts'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { createPayingFetch } from '../../client/index.ts'
import { createKeyAccount } from '../../client/node.ts'
import { type Sold, sell } from '../support/sold.ts'

/** Many calls in flight on one channel of the gateway itself: each is delivered once and paid once. */

let sold: Sold
beforeAll(async () => {
  sold = await sell([{ path: '/thing', price: '0.001' }])
})
afterAll(() => sold?.close())

/** A client with a key of its own, its requests written down, some of its answers lost. */
async function client(voucherCalls: number, lose: (paid: number) => boolean = () => false, { chain } = sold) {
  const account = createKeyAccount(generatePrivateKey())
  await chain.mint(account.address, 100_000_000n)
  const sent: Request[] = []
  const watched: typeof fetch = async (input, init) => {
    const request = new Request(input, init)
    const paid = request.headers.get('authorization')?.startsWith('Payment ') === true
    if (paid) sent.push(request.clone())
    const count = sent.length
    const response = await fetch(request)
    if (!paid || !lose(count)) return response
    await response.arrayBuffer()
    throw new TypeError('The connection was cut.')
  }
  const payingFetch = createPayingFetch({
    account,
    limits: { perCall: 100_000n, perDay: 10_000_000n },
    fetch: watched,
    clock: { now: () => Date.now(), wait: async () => {} },
    voucherCalls,
  })
  return { payingFetch, sent }
}

async function spent(payingFetch: Awaited<ReturnType<typeof client>>['payingFetch']) {
  const [channel] = await payingFetch.channels()
  if (channel === undefined) throw new Error('no channel')
  const booked = await sold.gateway.deps.ledger.channel(channel.channelId)
  expect(booked).toMatchObject({ spent: channel.spent, accepted: channel.accepted })
  return { channel, booked }
}

describe('many calls in flight on one channel', () => {
  test.each([1, 10, 100])(
    'default: 50 at once succeed and cost 50 prices, %i calls to a voucher',
    async (calls) => {
      const { payingFetch, sent } = await client(calls)
      const before = sold.upstream.seen.length
      const answers = await Promise.all(Array.from({ length: 50 }, () => payingFetch(sold.url('/thing'))))
      expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]))
      const { channel } = await spent(payingFetch)
      expect(channel).toMatchObject({ spent: 50_000n, reserved: {} })
      expect(channel.signed).toBe(BigInt(Math.ceil(50 / calls) * calls) * 1_000n)
      expect(sold.upstream.seen.length - before).toBe(50)
      expect(new Set(sent.map(({ headers }) => headers.get('idempotency-key'))).size).toBe(50)
      expect(await sold.audit()).toBe('All holds.')
    },
  )

  test('behavior: lost answers are fetched again and neither paid nor made twice', async () => {
    const { payingFetch, sent } = await client(10, (paid) => paid % 3 === 0)
    const before = sold.upstream.seen.length
    const answers = await Promise.all(Array.from({ length: 50 }, () => payingFetch(sold.url('/thing'))))
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]))
    expect(sent.length).toBeGreaterThan(60)
    const { channel } = await spent(payingFetch)
    expect(channel).toMatchObject({ spent: 50_000n, reserved: {} })
    expect(sold.upstream.seen.length - before).toBe(50)
    expect(await sold.audit()).toBe('All holds.')
  })

  test('error: one credential sent again twenty times at once is charged once', async () => {
    const { payingFetch, sent } = await client(10)
    await payingFetch(sold.url('/thing'))
    const [first] = sent
    if (first === undefined) throw new Error('nothing was sent')
    const before = await spent(payingFetch)
    const again = await Promise.all(Array.from({ length: 20 }, () => fetch(first.clone())))
    expect(new Set(again.map(({ status }) => status))).toEqual(new Set([200]))
    const after = await spent(payingFetch)
    expect(after.booked).toMatchObject({ spent: before.channel.spent, reserved: 0n })
  })

  test('behavior: what was signed ahead comes back when the channel is closed', async () => {
    const { payingFetch } = await client(10)
    for (let call = 0; call < 3; call++) await payingFetch(sold.url('/thing'))
    const { channel } = await spent(payingFetch)
    expect(channel).toMatchObject({ signed: 10_000n, spent: 3_000n, ahead: 'signed' })
    expect(await payingFetch.close(channel.channelId)).toMatchObject({
      paid: 3_000n,
      refunded: channel.deposit - 3_000n,
    })
    expect(await sold.audit()).toBe('All holds.')
  })
})

describe('signing ahead further than the seller lets calls go unsettled', () => {
  test('behavior: the voucher is settled whole, the rest is credit that can be taken out, and calls go on', async () => {
    const capped = await sell([{ path: '/thing', price: '0.01' }], {
      override: { exposure: { perChannel: '0.03', contractSigner: '0.01', total: '1' } },
    })
    try {
      const { payingFetch } = await client(10, () => false, capped)
      const call = async () => (await payingFetch(capped.url('/thing'))).status
      for (let calls = 0; calls < 3; calls++) expect(await call()).toBe(200)
      await vi.waitFor(async () => expect(await call()).toBe(200), { timeout: 20_000, interval: 100 })
      const [channel] = await payingFetch.channels()
      expect(channel).toMatchObject({ ahead: 'claimed', signed: 110_000n, spent: 110_000n })
      const [credit] = await payingFetch.balance(capped.gateway.url)
      expect(credit).toMatchObject({ symbol: 'USD', available: 70_000n })
      expect(await call()).toBe(200)
      expect(await capped.audit()).toBe('All holds.')
    } finally {
      await capped.close()
    }
  })
})
