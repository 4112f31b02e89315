import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import * as SignedReceipt from '../../gateway/protocol/SignedReceipt.ts'
import { createWaiting, preferredWait } from '../../gateway/request/wait.ts'
import { type Sold, sell } from '../support/sold.ts'
import { offers } from '../support/wallet.ts'

/** Same payment, same call: one call upstream, one charge, and everybody who asks gets the same answer. */

let sold: Sold
beforeAll(async () => {
  sold = await sell(
    [
      { path: '/thing', price: '0.01' },
      { path: '/status/:code', price: '0.01' },
      { path: '/stream', price: '0.01', brokenStream: 'full' },
      { path: '/broken', price: '0.01', brokenStream: 'full' },
    ],
    { override: { limits: { waitSeconds: 20, waiters: 3 } } },
  )
})
afterAll(() => sold?.close())
afterEach(() => sold.upstream.forget())

/** A call that the upstream holds back until told. */
async function held(path: string) {
  const payer = await sold.payer()
  const { charge } = await offers(sold.url(path))
  const headers = await payer.charge(charge)
  const gate = Promise.withResolvers<void>()
  const seen = Promise.withResolvers<void>()
  sold.upstream.onRequest = () => {
    seen.resolve()
    return gate.promise
  }
  const first = fetch(sold.url(path), { headers })
  await seen.promise
  const again = (prefer?: string) =>
    fetch(sold.url(path), { headers: { ...headers, ...(prefer === undefined ? {} : { prefer }) } })
  return { first, release: gate.resolve, again }
}

/** So many callers have begun to wait: each has looked into the books once, and maybe again. */
const waiting = (calls: number) =>
  vi.waitFor(() =>
    expect(vi.mocked(sold.gateway.deps.ledger.payment).mock.calls.length).toBeGreaterThanOrEqual(calls),
  )

describe('the same payment for the same call', () => {
  test('default: still running: 409 with Retry-After', async () => {
    const { first, release, again } = await held('/thing')
    const early = await again()
    expect(early.status).toBe(409)
    expect(early.headers.get('retry-after')).toBe('1')
    expect(early.headers.has('preference-applied')).toBe(false)
    release()
    expect((await first).status).toBe(200)
  })

  test('behavior: Prefer: wait is answered by the answer, as soon as there is one, uncharged', async () => {
    const { first, release, again } = await held('/thing')
    const looked = vi.spyOn(sold.gateway.deps.ledger, 'payment')
    const others = [again('wait=15'), again('respond-async, wait="15"; x=1')]
    await waiting(2)
    release()
    const whole = await first
    const text = await whole.text()
    for (const response of await Promise.all(others)) {
      expect(response.status).toBe(200)
      expect(response.headers.get('preference-applied')).toBe('wait=15')
      expect(response.headers.get('farthing-replayed')).toBe('true')
      expect(await response.text()).toBe(text)
    }
    expect(sold.upstream.seen).toHaveLength(1)
    looked.mockRestore()
    expect(await sold.audit()).toBe('All holds.')
  })

  test('behavior: time is over: 409, and it says that it waited', async () => {
    const { first, release, again } = await held('/thing')
    const late = await again('wait=1')
    expect(late.status).toBe(409)
    expect(late.headers.get('preference-applied')).toBe('wait=1')
    release()
    await first
  })

  test('behavior: more callers than may wait are answered at once', async () => {
    const { first, release, again } = await held('/thing')
    const looked = vi.spyOn(sold.gateway.deps.ledger, 'payment')
    const three = [1, 2, 3].map(() => again('wait=15'))
    await waiting(3)
    const fourth = await again('wait=15')
    expect(fourth.status).toBe(409)
    expect(fourth.headers.has('preference-applied')).toBe(false)
    release()
    await first
    for (const response of await Promise.all(three)) expect(response.status).toBe(200)
    looked.mockRestore()
  })

  test('behavior: the call failed while somebody waited: nothing was charged, and the payment is good for another try', async () => {
    const { first, release, again } = await held('/status/500')
    const looked = vi.spyOn(sold.gateway.deps.ledger, 'payment')
    const other = again('wait=15')
    await waiting(1)
    release()
    expect((await first).status).toBe(500)
    const told = await other
    expect(told.status).toBe(409)
    expect(await told.json()).toMatchObject({ code: 'nothing-charged', reason: 'The upstream answered 500.' })
    looked.mockRestore()
  })

  test('behavior: whoever ends the call elsewhere is found by looking into the books', async () => {
    const { first, release, again } = await held('/thing')
    const { waiting: room, ledger } = sold.gateway.deps
    const deaf = vi.spyOn(room, 'wake').mockImplementation(() => {})
    const looked = vi.spyOn(ledger, 'payment')
    const other = again('wait=15')
    await waiting(1)
    release()
    await first
    expect((await other).status).toBe(200)
    deaf.mockRestore()
    looked.mockRestore()
  })

  test('behavior: a stream that is not kept is answered by its receipt and how far it got', async () => {
    const payer = await sold.payer()
    const { charge } = await offers(sold.url('/stream'))
    const headers = await payer.charge(charge)
    const first = await fetch(sold.url('/stream'), { headers })
    const bytes = Buffer.byteLength(await first.text())
    const again = await vi.waitFor(async () => {
      const response = await fetch(sold.url('/stream'), { headers })
      const body = (await response.json()) as { code: string; paymentId: string }
      expect(body.code).toBe('already-delivered')
      return { response, body }
    })
    expect(again.response.status).toBe(409)
    expect(again.body).toMatchObject({ charged: '10000', bytes, whole: true })
    const receipt = again.response.headers.get('farthing-receipt') ?? ''
    expect(again.body).toMatchObject({ receipt })
    const key = sold.gateway.deps.keys.receipt.publicKey
    expect(await SignedReceipt.verify(receipt, key)).toMatchObject({
      jti: again.body.paymentId,
      amount: 10_000n,
    })
    expect(sold.upstream.seen).toHaveLength(1)
  })
})

describe('preferredWait', () => {
  const of = (prefer: string) => preferredWait(prefer, 30)
  test('default: seconds, at most what is allowed; the first mention counts', () => {
    expect(of('wait=10')).toBe(10)
    expect(of('respond-async, WAIT = 10')).toBe(10)
    expect(of('wait=100')).toBe(30)
    expect(of('wait="7"; a=b')).toBe(7)
    expect(of('wait=5, wait=6')).toBe(5)
    expect(preferredWait(null, 30)).toBe(null)
    expect(preferredWait('wait=5', 0)).toBe(null)
  })
  test('error: what is no number of seconds is no preference', () => {
    for (const text of [
      'wait',
      'wait=',
      'wait=0',
      'wait=-1',
      'wait=1.5',
      'wait=1e9',
      'wait=99999999999',
      'await=5',
    ])
      expect(of(text), text).toBe(null)
  })
})

describe('createWaiting', () => {
  test('default: a wake between two looks is not missed, and a place is given back once', async () => {
    const room = createWaiting(1)
    const place = room.enter('pay_a')
    expect(room.enter('pay_b')).toBe(null)
    room.wake('pay_a')
    await place?.next(60_000, new AbortController().signal)
    place?.leave()
    place?.leave()
    expect(room.enter('pay_b')).not.toBe(null)
    expect(room.enter('pay_c')).toBe(null)
  })
  test('behavior: who hung up, or a gateway that stops, waits no longer', async () => {
    const room = createWaiting(2)
    const [one, two] = [room.enter('pay_a'), room.enter('pay_a')]
    const gone = new AbortController()
    const first = one?.next(60_000, gone.signal)
    const second = two?.next(60_000, new AbortController().signal)
    gone.abort()
    await first
    room.close()
    await second
    expect(room.enter('pay_a')).toBe(null)
  })
})
