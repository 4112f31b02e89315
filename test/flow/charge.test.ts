import type { Hex } from 'viem'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import * as Receipt from '../../gateway/protocol/Receipt.ts'
import * as SignedReceipt from '../../gateway/protocol/SignedReceipt.ts'
import * as SettlementResponse from '../../gateway/protocol/x402/SettlementResponse.ts'
import { type Sold, sell } from '../support/sold.ts'
import { offers, type wallet } from '../support/wallet.ts'

/** One transfer for one call. The promise: who is not served keeps the money, or has it as credit; who is, paid once. */

const price = 10_000n
const orders = ['before-call', 'before-release', 'after'] as const
type Order = (typeof orders)[number]

let sold: Sold
beforeAll(async () => {
  sold = await sell(
    orders.flatMap((settle) => [
      { path: `/${settle}/*`, price: '0.01', settle, rails: ['charge' as const], deadlineMs: 300 },
      { method: 'POST' as const, path: `/${settle}/*`, price: '0.01', settle, rails: ['charge' as const] },
      { path: `/dead/${settle}`, price: '0.01', settle, upstream: 'http://127.0.0.1:9' },
    ]),
    // The upstream's own path is what follows the order.
    { override: { limits: { storedAnswerBytes: 1_000 } } },
  )
  rebase()
})
afterAll(() => sold?.close())
afterEach(() => {
  sold.upstream.forget()
  rebase()
})

/** Routes are named by order; the upstream only looks at what follows. */
function rebase(): void {
  sold.upstream.onRequest = (seen) => {
    seen.url = seen.url.replace(/^\/(before-call|before-release|after)(?=\/)/, '')
  }
}

type Paid = { response: Response; payer: wallet.Wallet; before: bigint; headers: Record<string, string> }

async function pay(path: string, init: RequestInit = {}): Promise<Paid> {
  const payer = await sold.payer(1_000_000n)
  const before = await payer.balance()
  const { charge } = await offers(sold.url(path), init)
  const headers = await payer.charge(charge)
  return { response: await fetch(sold.url(path), { ...init, headers }), payer, before, headers }
}

async function paid({ payer, before }: Paid): Promise<bigint> {
  return before - (await payer.balance())
}

async function credit({ payer }: Paid): Promise<bigint> {
  const { deps } = sold.gateway
  const [token] = deps.config.tokens.values()
  if (token === undefined) throw new Error('no token')
  const { available } = await deps.ledger.balance(
    `wallet:${payer.address}`,
    `eip155:${token.chainId}/erc20:${token.address}`,
  )
  return available
}

describe.each(orders)('a charge settled %s', (order: Order) => {
  test('default: charges once for an answer, and says so in receipts that can be checked', async () => {
    const call = await pay(`/${order}/hello?x=1`, { method: 'POST', body: 'the body' })
    const { response, payer } = call
    expect(response.status).toBe(200)
    expect(await response.json()).toEqual({ method: 'POST', url: '/hello?x=1', body: 'the body' })
    const own = await SignedReceipt.verify(
      response.headers.get('farthing-receipt') ?? '',
      sold.gateway.deps.keys.receipt.publicKey,
    )
    expect(own).toMatchObject({
      sub: payer.address,
      amount: price,
      rail: 'charge',
      route: `POST /${order}/*`,
    })
    const said = Receipt.parse(response.headers.get('payment-receipt') ?? '')
    expect(said).toMatchObject({ status: 'success', intent: 'charge', amount: String(price) })
    expect(response.headers.get('cache-control')).toBe('private')
    await vi.waitFor(async () => expect(await paid(call)).toBe(price))
    await vi.waitFor(async () =>
      expect(await sold.gateway.deps.ledger.payment({ id: own.jti })).toMatchObject({
        delivery: 'delivered',
        money: 'settled',
        charged: price,
      }),
    )
    if (order !== 'after') {
      const receipt = await sold.chain.publicClient.getTransactionReceipt({ hash: own.transaction as Hex })
      expect(receipt.status).toBe('success')
      expect(said.reference).toBe(own.transaction)
    }
    expect(sold.upstream.seen).toHaveLength(1)
  })

  test('behavior: the same credential again gets the stored answer, uncharged and not forwarded', async () => {
    const call = await pay(`/${order}/hello`)
    const first = await call.response.text()
    const again = await fetch(sold.url(`/${order}/hello`), { headers: call.headers })
    expect(again.status).toBe(200)
    expect(again.headers.get('farthing-replayed')).toBe('true')
    expect(await again.text()).toBe(first)
    expect(sold.upstream.seen).toHaveLength(1)
    await vi.waitFor(async () => expect(await paid(call)).toBe(price))
  })

  test('behavior: x402 buys the same', async () => {
    const payer = await sold.payer(1_000_000n)
    const { x402 } = await offers(sold.url(`/${order}/hello`))
    const response = await fetch(sold.url(`/${order}/hello`), { headers: await payer.exact(x402) })
    expect(response.status).toBe(200)
    const said = SettlementResponse.parse(response.headers.get('payment-response') ?? '')
    expect(said).toMatchObject({ success: true, payer: payer.address, amount: String(price) })
    expect(response.headers.get('payment-receipt')).toBeNull()
    await vi.waitFor(async () => expect(await payer.balance()).toBe(1_000_000n - price))
  })

  test('behavior: a stream is delivered whole and charged once', async () => {
    const call = await pay(`/${order}/stream`)
    expect(call.response.status).toBe(200)
    expect(await call.response.text()).toBe('data: 1\n\ndata: 2\n\n')
    await vi.waitFor(async () => expect(await paid(call)).toBe(price))
    await vi.waitFor(async () => expect(await sold.gateway.deps.ledger.openPayments(10)).toEqual([]))
    const again = await fetch(sold.url(`/${order}/stream`), { headers: call.headers })
    expect(again.status).toBe(409)
    expect(await again.json()).toMatchObject({ code: 'already-delivered' })
  })

  test.each(['/status/404', '/status/500'])(
    'behavior: %s of the upstream is passed on and costs nothing',
    async (path) => {
      const call = await pay(`/${order}${path}`)
      expect(call.response.status).toBe(Number(path.slice(-3)))
      expect(call.response.headers.get('farthing-receipt')).toBeNull()
      if (order !== 'before-call') {
        expect(await paid(call)).toBe(0n)
        // Nothing was charged, so the very same credential still buys a call.
        const again = await fetch(sold.url(`/${order}${path}`), { headers: call.headers })
        expect(again.status).toBe(Number(path.slice(-3)))
        return
      }
      // The money had moved: it is the payer's credit, and the answer says so.
      expect(await paid(call)).toBe(price)
      expect(await credit(call)).toBe(price)
      expect(call.response.headers.get('farthing-credited')).toBe(String(price))
      expect(call.response.headers.get('farthing-payment')).toMatch(/^pay_/)
      const again = await fetch(sold.url(`/${order}${path}`), { headers: call.headers })
      expect(again.status).toBe(409)
      expect(await again.json()).toMatchObject({ code: 'payment-credited' })
      expect(sold.upstream.seen).toHaveLength(1)
    },
  )

  test.each([
    ['refuses connections', `/dead/${order}`, 502, 'upstream-unreachable'],
    ['says nothing', `/${order}/hang`, 504, 'upstream-timeout'],
    ['hangs up at once', `/${order}/reset`, 502, 'upstream-broken'],
    ['breaks off a sized answer', `/${order}/truncated`, 502, 'upstream-broken'],
  ])('error: an upstream that %s costs nothing', async (_what, path, status, code) => {
    const call = await pay(path)
    expect(call.response.status).toBe(status)
    expect(call.response.headers.get('content-type')).toBe('application/problem+json')
    const problem = await call.response.json()
    expect(problem).toMatchObject({ code, status })
    if (order !== 'before-call') {
      expect(await paid(call)).toBe(0n)
      expect(await credit(call)).toBe(0n)
      return
    }
    expect(await paid(call)).toBe(price)
    expect(await credit(call)).toBe(price)
    expect(problem).toMatchObject({ credited: String(price) })
  })

  test('error: a stream that breaks is credit, or not charged where nothing had moved', async () => {
    const call = await pay(`/${order}/broken`)
    // Broken before its first byte was passed on, it is a problem; after that, the connection breaks.
    if (call.response.status === 200) await expect(call.response.text()).rejects.toThrow()
    else expect(await call.response.json()).toMatchObject({ status: 502, code: 'upstream-broken' })
    if (order === 'after') {
      await vi.waitFor(async () => expect(await sold.gateway.deps.ledger.openPayments(10)).toEqual([]))
      expect(await paid(call)).toBe(0n)
      return
    }
    await vi.waitFor(async () => expect(await credit(call)).toBe(price))
    expect(await paid(call)).toBe(price)
  })

  test('error: a payer without funds is not served', async () => {
    const payer = await sold.payer(price - 1n)
    const { charge } = await offers(sold.url(`/${order}/hello`))
    const response = await fetch(sold.url(`/${order}/hello`), { headers: await payer.charge(charge) })
    expect(response.status).toBe(402)
    expect(await response.json()).toMatchObject({ code: 'verification-failed' })
    expect(sold.upstream.seen).toEqual([])
  })
})

describe('a charge', () => {
  test('behavior: a repeat while the call runs is told to wait, and never pays twice', async () => {
    const release = Promise.withResolvers<void>()
    sold.upstream.onRequest = () => release.promise
    const payer = await sold.payer(1_000_000n)
    const { charge } = await offers(sold.url('/after/hello'))
    const headers = await payer.charge(charge)
    const first = fetch(sold.url('/after/hello'), { headers })
    await vi.waitFor(() => expect(sold.upstream.seen).toHaveLength(1))
    const second = await fetch(sold.url('/after/hello'), { headers })
    expect(second.status).toBe(409)
    expect(second.headers.get('retry-after')).toBe('1')
    expect(await second.json()).toMatchObject({ code: 'payment-in-progress' })
    release.resolve()
    expect((await first).status).toBe(200)
    expect(sold.upstream.seen).toHaveLength(1)
  })

  test('behavior: a caller that hangs up before the first byte of a stream has not paid for it', async () => {
    const payer = await sold.payer(1_000_000n)
    const { charge } = await offers(sold.url('/after/stream'))
    const abort = new AbortController()
    const release = Promise.withResolvers<void>()
    sold.upstream.onRequest = () => release.promise
    const call = fetch(sold.url('/after/stream'), {
      headers: await payer.charge(charge),
      signal: abort.signal,
    })
    await vi.waitFor(() => expect(sold.upstream.seen).toHaveLength(1))
    abort.abort()
    await expect(call).rejects.toThrow()
    await vi.waitFor(async () => expect(await sold.gateway.deps.ledger.openPayments(10)).toEqual([]))
    release.resolve()
    expect(await payer.balance()).toBe(1_000_000n)
  })

  test('error: a stream that breaks half-way breaks the connection: it cannot be taken for a whole one', async () => {
    const release = Promise.withResolvers<void>()
    sold.upstream.midway = () => release.promise
    const { response } = await pay('/before-release/broken')
    expect(response.status).toBe(200)
    const reader = response.body?.getReader()
    expect(new TextDecoder().decode((await reader?.read())?.value)).toBe('data: 1\n\n')
    release.resolve()
    await expect(reader?.read()).rejects.toThrow()
  })

  test('behavior: in the end books and chain agree', async () => {
    await vi.waitFor(async () => expect(await sold.gateway.deps.ledger.openPayments(10)).toEqual([]))
    expect(await sold.audit()).toBe('All holds.')
  })
})
