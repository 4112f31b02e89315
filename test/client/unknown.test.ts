import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
  createMemoryStore,
  createPayingFetch,
  PaymentRefusedError,
  PaymentUnknownError,
} from '../../client/index.ts'
import { type FakeGateway, problem, startFakeGateway } from './support/fake-gateway.ts'
import { countingAccount, stillClock } from './support/wallet.ts'

/** Attack 7: an outcome that is not known never makes the client pay twice. */

let gateway: FakeGateway
beforeEach(async () => {
  gateway = await startFakeGateway()
})
afterEach(() => gateway.close())

function client(rail: 'channel' | 'charge', store = createMemoryStore()) {
  const account = countingAccount()
  const clock = stillClock(Date.now())
  const limits = { perCall: 10_000n, perDay: 100_000n }
  return {
    account,
    clock,
    store,
    payingFetch: createPayingFetch({ account, limits, clock, store, rails: [rail] }),
  }
}

/** Answers of paid requests only, one by one; then the gateway answers itself. */
function script(...answers: Array<() => Response | 'drop' | undefined>) {
  gateway.after = (response, request) => {
    if (!request.headers.has('authorization') && !request.headers.has('payment-signature')) return response
    return answers.shift()?.() ?? response
  }
}

const unknown = () => {
  const response = problem(gateway, 503, 'payment-unknown')
  const body = JSON.stringify({ code: 'payment-unknown', paymentId: 'pay_77' })
  return new Response(body, {
    status: 503,
    headers: { ...Object.fromEntries(response.headers), 'retry-after': '7' },
  })
}
const running = () => new Response('{}', { status: 409, headers: { 'retry-after': '1' } })
const paid = () =>
  gateway.seen.filter(({ headers }) => headers.has('authorization') || headers.has('payment-signature'))

const asked = () => gateway.seen.map(({ path }) => path).filter((path) => path.includes('/payments/'))
const isBare = ({ headers }: { headers: Headers }) => !headers.has('authorization')

describe.each(['channel', 'charge'] as const)('an unknown outcome on rail %s', (rail) => {
  const signatures = rail === 'channel' ? 2 : 1

  test('behavior: 503, 409 and a lost answer are met by the same credential and key', async () => {
    script(unknown, running, () => 'drop' as const)
    const { account, clock, payingFetch } = client(rail)
    const response = await payingFetch(gateway.url)
    expect(await response.text()).toBe('sold')
    expect(account.signatures()).toBe(signatures)
    expect(gateway.delivered).toBe(1)
    expect(paid()).toHaveLength(4)
    expect(new Set(paid().map(({ headers }) => headers.get('authorization'))).size).toBe(1)
    expect(new Set(paid().map(({ headers }) => headers.get('idempotency-key'))).size).toBe(1)
    expect(clock.waits[0]).toBe(7_000)
  })

  test('behavior: once the payment has an id it is asked after, and the credential goes out again when it has ended', async () => {
    script(unknown)
    gateway.statuses.push('pending', 'pending', 'delivered')
    const { account, payingFetch } = client(rail)
    expect(await (await payingFetch(gateway.url)).text()).toBe('sold')
    expect([paid().length, gateway.statuses.length, account.signatures()]).toEqual([2, 0, signatures])
    expect(asked()).toEqual(Array(3).fill('/farthing/payments/pay_77'))
    expect(gateway.seen.filter(({ path }) => path.includes('payments')).every(isBare)).toBe(true)
  })

  test('error: a payment that stays pending is unknown after a minute, its credential sent once', async () => {
    script(unknown)
    gateway.statuses.push(...Array<'pending'>(50).fill('pending'))
    const { clock, payingFetch } = client(rail)
    await expect(payingFetch(gateway.url)).rejects.toMatchObject({ paymentId: 'pay_77' })
    expect(paid()).toHaveLength(1)
    const waited = clock.waits.reduce((sum, wait) => sum + wait, 0)
    expect(waited).toBeGreaterThan(45_000)
    expect(waited).toBeLessThanOrEqual(60_000)
  })

  test('error: after bounded attempts it says so, with the payment id, having signed once', async () => {
    gateway.after = (response, request) => (request.headers.has('authorization') ? unknown() : response)
    const { account, payingFetch } = client(rail)
    const error = await payingFetch(gateway.url).catch((error: unknown) => error)
    expect(error).toBeInstanceOf(PaymentUnknownError)
    expect(error).toMatchObject({ code: 'payment-unknown', paymentId: 'pay_77' })
    expect(account.signatures()).toBe(signatures)
    expect(paid()).toHaveLength(5)
  })

  test('behavior: told that it is under way, it repeats the same credential after Retry-After, for up to a minute', async () => {
    script(...Array<() => Response>(7).fill(running))
    const { account, clock, payingFetch } = client(rail)
    expect(await (await payingFetch(gateway.url)).text()).toBe('sold')
    expect([paid().length, account.signatures()]).toEqual([8, signatures])
    expect(new Set(paid().map(({ headers }) => headers.get('authorization'))).size).toBe(1)
    expect(clock.waits).toEqual([1_000, 1_000, 1_600, 3_200, 6_400, 12_800, 25_600])
  })

  test('error: under way for longer than a minute is unknown, and signed once', async () => {
    script(...Array<() => Response>(20).fill(running))
    const { account, clock, payingFetch } = client(rail)
    await expect(payingFetch(gateway.url)).rejects.toThrow(PaymentUnknownError)
    expect(account.signatures()).toBe(signatures)
    expect(clock.waits.reduce((sum, wait) => sum + wait, 0)).toBeLessThanOrEqual(60_000)
  })

  test('behavior: the same key later fetches the answer, signing nothing', async () => {
    gateway.after = (response, request) => (request.headers.has('authorization') ? 'drop' : response)
    const { account, payingFetch } = client(rail)
    const headers = { 'Idempotency-Key': 'mine-1' }
    await expect(payingFetch(gateway.url, { headers })).rejects.toThrow(PaymentUnknownError)
    gateway.after = undefined
    expect(await (await payingFetch(gateway.url, { headers })).text()).toBe('sold')
    expect(account.signatures()).toBe(signatures)
    expect(gateway.delivered).toBe(1)
    expect(paid().every(({ headers }) => headers.get('idempotency-key') === 'mine-1')).toBe(true)
  })

  test('behavior: another process with the same store repeats the payment and makes no second one', async () => {
    gateway.after = (response, request) => (request.headers.has('authorization') ? 'drop' : response)
    const { store, payingFetch } = client(rail)
    const headers = { 'Idempotency-Key': 'mine-2' }
    await expect(payingFetch(gateway.url, { headers })).rejects.toThrow(PaymentUnknownError)
    gateway.after = undefined
    const restarted = client(rail, store)
    expect((await restarted.payingFetch(gateway.url, { headers })).status).toBe(200)
    expect(gateway.delivered).toBe(1)
    expect(gateway.channels.size).toBe(rail === 'channel' ? 1 : 0)
  })

  test('error: the key of an open payment names no other call', async () => {
    gateway.after = (response, request) => (request.headers.has('authorization') ? 'drop' : response)
    const { payingFetch } = client(rail)
    const headers = { 'Idempotency-Key': 'mine-3' }
    await expect(payingFetch(gateway.url, { headers })).rejects.toThrow(PaymentUnknownError)
    await expect(payingFetch(`${gateway.url}/else`, { headers })).rejects.toThrow(PaymentRefusedError)
  })
})

describe('payment', () => {
  test('default: says what became of a payment, as far as its gateway signs it', async () => {
    const { payingFetch } = client('charge')
    gateway.statuses.push('delivered', 'delivered')
    expect(await payingFetch.payment(gateway.url, 'pay_1')).toMatchObject({
      jti: 'pay_1',
      status: 'delivered',
    })
    expect(await payingFetch.payment(gateway.url, '../sign-in')).toBeUndefined()
    gateway.statuses.length = 0
    expect(await payingFetch.payment(gateway.url, 'pay_2')).toBeUndefined()
  })

  test('error: a status that another key signed, or of another payment, is not believed', async () => {
    const { payingFetch } = client('charge')
    gateway.after = async (response, request) => {
      if (!request.url.includes('/payments/')) return response
      const { jws } = (await response.json()) as { jws: string }
      return Response.json({ jws: `${jws.slice(0, -8)}AAAAAAA${jws.slice(-1)}` })
    }
    gateway.statuses.push('delivered')
    expect(await payingFetch.payment(gateway.url, 'pay_1')).toBeUndefined()
  })
})

describe('Idempotency-Key', () => {
  test('default: each paid call has its own', async () => {
    const { payingFetch } = client('charge')
    await payingFetch(gateway.url)
    await payingFetch(gateway.url)
    const keys = paid().map(({ headers }) => headers.get('idempotency-key'))
    expect(new Set(keys).size).toBe(2)
    expect(keys[0]).toMatch(/^[0-9a-f-]{36}$/)
  })

  test('behavior: a repeated answer on a channel is not counted twice', async () => {
    const { payingFetch, store } = client('channel')
    const headers = { 'Idempotency-Key': 'twice' }
    await payingFetch(gateway.url, { headers })
    await payingFetch(gateway.url, { headers })
    expect(gateway.delivered).toBe(1)
    expect(Object.values((await store.read()).channels)[0]).toMatchObject({ spent: 1_000n })
  })
})

describe('the request body', () => {
  test('behavior: a one-shot stream is sent again as it was', async () => {
    const { payingFetch } = client('charge')
    const body = new Blob(['stream of words']).stream()
    const init = { method: 'POST', body, duplex: 'half' } as RequestInit
    expect((await payingFetch(gateway.url, init)).status).toBe(200)
    expect(gateway.seen.filter(({ method }) => method === 'POST').map(({ body }) => body)).toEqual([
      'stream of words',
      'stream of words',
    ])
  })

  test('error: a stream beyond the bound is refused before anything is sent', async () => {
    const account = countingAccount()
    const limits = { perCall: 10_000n, perDay: 100_000n }
    const payingFetch = createPayingFetch({ account, limits, maxBodyBytes: 4 })
    const body = new Blob(['stream of words']).stream()
    const init = { method: 'POST', body, duplex: 'half' } as RequestInit
    await expect(payingFetch(gateway.url, init)).rejects.toMatchObject({ code: 'body-too-large' })
    expect([gateway.seen.length, account.signatures()]).toEqual([0, 0])
  })
})
