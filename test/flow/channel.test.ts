import type { Hex } from 'viem'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import * as Authorization from '../../gateway/protocol/Authorization.ts'
import * as Receipt from '../../gateway/protocol/Receipt.ts'
import { type Sold, sell } from '../support/sold.ts'
import { type Offers, offers, random32, type wallet } from '../support/wallet.ts'

/** One deposit, then a signature for each call. The promise: what was served is what is paid, to the base unit. */

const price = 10_000n
let sold: Sold
beforeAll(async () => {
  sold = await sell(
    [
      { path: '/call/*', price: '0.01', rails: ['channel'] },
      { method: 'POST', path: '/call/*', price: '0.01', rails: ['channel'] },
      { method: 'DELETE', path: '/call/*', price: '0.01', rails: ['channel'] },
      { path: '/stream', price: '0.01', rails: ['channel'] },
      { path: '/broken', price: '0.01', rails: ['channel'] },
      { path: '/truncated', price: '0.01', rails: ['channel'] },
      { path: '/status/:code', price: '0.01', rails: ['channel'] },
      { path: '/dear', price: '0.9', rails: ['channel'] },
    ],
    { override: { settlement: { threshold: '100', maxAgeSeconds: 86_400, everyMs: 60_000 } } },
  )
})
afterAll(() => sold?.close())
afterEach(() => sold.upstream.forget())

type Open = {
  payer: wallet.Wallet
  channel: wallet.Channel
  session: Offers['session']
  /** Sends a credential to a path. */
  send(headers: Record<string, string>, path?: string, init?: RequestInit): Promise<Response>
  /** Pays a call with a voucher. */
  call(cumulative: bigint, path?: string, init?: RequestInit): Promise<Response>
  counters(): Promise<{ accepted: bigint; spent: bigint; deposit: bigint; settled: bigint } | undefined>
}

async function prepare(deposit = 1_000_000n): Promise<Open> {
  const payer = await sold.payer(10_000_000n)
  const channel = payer.channel({ deposit })
  const { session } = await offers(sold.url('/call/a'))
  // A challenge is bound to its route, so each route's own is used.
  const send: Open['send'] = (headers, path = '/call/a', init = {}) =>
    fetch(sold.url(path), { ...init, headers: { ...init.headers, ...headers } })
  return {
    payer,
    channel,
    session,
    send,
    call: async (cumulative, path = '/call/a', init = {}) => {
      const fresh =
        path === '/call/a' && init.method === undefined
          ? session
          : (
              await offers(sold.url(path), {
                ...init,
                method: init.method === 'HEAD' ? 'GET' : (init.method ?? 'GET'),
              })
            ).session
      return send(await channel.voucher(fresh, cumulative), path, init)
    },
    counters: async () => {
      const found = await sold.gateway.deps.ledger.channel(channel.id)
      if (found === null) return undefined
      const { accepted, spent, deposit: on, settled } = found
      return { accepted, spent, deposit: on, settled }
    },
  }
}

async function opened(deposit = 1_000_000n): Promise<Open> {
  const open = await prepare(deposit)
  const response = await open.send(await open.channel.open(open.session, price))
  expect(response.status).toBe(200)
  sold.upstream.forget()
  return open
}

const problemOf = async (response: Response) => ({
  status: response.status,
  ...((await response.json()) as object),
})

describe('open', () => {
  test('default: a signed deposit opens the channel and pays the first call in one round trip', async () => {
    const { channel, session, send, counters, payer } = await prepare()
    const response = await send(await channel.open(session, price))
    expect(response.status).toBe(200)
    expect(await response.json()).toMatchObject({ method: 'GET', url: '/call/a' })
    const receipt = Receipt.parse(response.headers.get('payment-receipt') ?? '')
    expect(receipt).toMatchObject({
      intent: 'session',
      reference: channel.id,
      acceptedCumulative: String(price),
      spent: String(price),
    })
    expect(await counters()).toEqual({ accepted: price, spent: price, deposit: 1_000_000n, settled: 0n })
    expect(await channel.onchain()).toMatchObject({ deposit: 1_000_000n, settled: 0n, finalized: false })
    expect(await payer.balance()).toBe(9_000_000n)
  })

  test("behavior: by the payer's own transaction, named by its hash", async () => {
    const { channel, session, send, counters } = await prepare()
    const hash = await channel.openOnchain()
    const response = await send(
      channel.said(session, {
        action: 'open',
        type: 'hash',
        hash,
        salt: channel.salt,
        cumulativeAmount: String(price),
        signature: await channel.sign(price),
      }),
    )
    expect(response.status).toBe(200)
    expect(await counters()).toMatchObject({ spent: price, deposit: 1_000_000n })
  })

  test('behavior: with a voucher that brings the deposit along', async () => {
    const { channel, session, send, counters } = await prepare()
    const response = await send(await channel.voucherWithDeposit(session, price))
    expect(response.status).toBe(200)
    expect(await counters()).toMatchObject({ spent: price, deposit: 1_000_000n })
  })

  test('behavior: ten copies of an opening open one channel and are charged as one call', async () => {
    const { channel, session, send, counters } = await prepare()
    const headers = await channel.open(session, price)
    const answers = await Promise.all(Array.from({ length: 10 }, () => send(headers)))
    const statuses = answers.map(({ status }) => status)
    expect(statuses.filter((status) => status === 200 || status === 409)).toHaveLength(10)
    expect(statuses).toContain(200)
    expect(await counters()).toMatchObject({ spent: price, deposit: 1_000_000n })
    expect(sold.upstream.seen).toHaveLength(1)
  })

  test('error: a first voucher above the deposit, or by another signer, costs no gas', async () => {
    const { channel, session, send, counters } = await prepare(50_000n)
    expect(await problemOf(await send(await channel.open(session, 50_001n)))).toMatchObject({
      status: 402,
      code: 'invalid-signature',
    })
    expect(await counters()).toBeUndefined()
    expect(await channel.onchain()).toMatchObject({ deposit: 0n })
  })
})

describe('voucher', () => {
  test('default: each call raises the cumulative amount by its price, on any method', async () => {
    const { call, counters } = await opened()
    const posted = await call(2n * price, '/call/b', { method: 'POST', body: 'hello' })
    expect(await posted.json()).toEqual({ method: 'POST', url: '/call/b', body: 'hello' })
    expect((await call(3n * price, '/call/c', { method: 'DELETE' })).status).toBe(200)
    expect(await counters()).toMatchObject({ accepted: 3n * price, spent: 3n * price })
  })

  test('behavior: HEAD only accepts the voucher: no call, nothing spent', async () => {
    const { call, counters } = await opened()
    const response = await call(5n * price, '/call/a', { method: 'HEAD' })
    expect(response.status).toBe(200)
    expect(Receipt.parse(response.headers.get('payment-receipt') ?? '')).toMatchObject({
      acceptedCumulative: String(5n * price),
      spent: String(price),
    })
    expect(await counters()).toMatchObject({ accepted: 5n * price, spent: price })
    expect(sold.upstream.seen).toEqual([])
  })

  test('behavior: a voucher that was accepted ahead is spent call by call, then asks for more', async () => {
    const { call, counters } = await opened()
    const statuses: number[] = []
    for (let count = 0; count < 3; count += 1) {
      const response = await call(3n * price)
      statuses.push(response.status)
      expect(response.headers.get('farthing-replayed')).toBe(count < 2 ? null : 'true')
    }
    expect(statuses).toEqual([200, 200, 200])
    expect(await counters()).toMatchObject({ accepted: 3n * price, spent: 3n * price })
    const other = await problemOf(await call(3n * price, '/call/other'))
    expect(other).toMatchObject({ status: 402, code: 'insufficient-balance' })
    expect(other).toMatchObject({ channel: { requiredCumulative: String(4n * price) } })
  })

  test('behavior: an Idempotency-Key gets the stored answer again, uncharged; for another call it is refused', async () => {
    const { call, counters } = await opened()
    const init = { headers: { 'idempotency-key': 'my-call' } }
    const first = await (await call(2n * price, '/call/a', init)).text()
    const again = await call(3n * price, '/call/a', init)
    expect(again.headers.get('farthing-replayed')).toBe('true')
    expect(await again.text()).toBe(first)
    expect(await counters()).toMatchObject({ spent: 2n * price })
    const other = await call(3n * price, '/call/other', init)
    expect(other.status).toBe(402)
    expect(other.headers.get('www-authenticate')).toContain('intent="session"')
    expect(await other.json()).toMatchObject({ code: 'invalid-challenge' })
    expect(sold.upstream.seen).toHaveLength(1)
  })

  test.each(['/status/500', '/status/404'])('error: %s of the upstream is not spent', async (path) => {
    const { call, counters } = await opened()
    expect((await call(2n * price, path)).status).toBe(Number(path.slice(-3)))
    expect(await counters()).toMatchObject({ accepted: 2n * price, spent: price })
    // What was accepted and not spent buys the next call.
    expect((await call(2n * price)).status).toBe(200)
  })

  test('error: a sized answer that breaks is not spent; a stream that breaks is credit', async () => {
    const { call, counters, payer } = await opened()
    expect((await call(2n * price, '/truncated')).status).toBe(502)
    expect(await counters()).toMatchObject({ spent: price })
    const stream = await call(2n * price, '/broken')
    await stream.text().catch(() => {})
    const { ledger, config } = sold.gateway.deps
    const [token] = config.tokens.values()
    await vi.waitFor(async () =>
      expect(
        await ledger.balance(`wallet:${payer.address}`, `eip155:31337/erc20:${token?.address ?? '0x'}`),
      ).toEqual({ posted: price, available: price }),
    )
  })
})

describe('top-up', () => {
  test('default: by a signed deposit; sent again it adds nothing and is no error', async () => {
    const { channel, session, send, counters } = await opened()
    const headers = await channel.topUp(session, 500_000n)
    const response = await send(headers)
    expect(response.status).toBe(200)
    expect(await response.json()).toMatchObject({ channelId: channel.id, deposit: '1500000' })
    expect((await send(headers)).status).toBe(200)
    expect(await counters()).toMatchObject({ deposit: 1_500_000n, spent: price })
    expect(await channel.onchain()).toMatchObject({ deposit: 1_500_000n })
  })

  test("behavior: by the payer's own transaction, named by its hash", async () => {
    const { channel, session, send, counters } = await opened()
    const hash = await channel.topUpOnchain(250_000n)
    const response = await send(
      channel.said(session, { action: 'topUp', type: 'hash', hash, additionalDeposit: '250000' }),
    )
    expect(response.status).toBe(200)
    expect(await counters()).toMatchObject({ deposit: 1_250_000n })
    // A transaction hash is public: whoever knows it learns what stands on chain, and not what was spent.
    expect(await response.json()).toEqual({
      channelId: channel.id,
      deposit: '1250000',
      settled: '0',
      finalized: false,
    })
    const receipt = Receipt.parse(response.headers.get('payment-receipt') ?? '')
    expect(receipt).toMatchObject({ status: 'success', channelId: channel.id })
    expect(receipt).not.toHaveProperty('spent')
    expect(receipt).not.toHaveProperty('acceptedCumulative')
  })

  test('behavior: by the signed funds of somebody else, who is told nothing of what was spent', async () => {
    const { channel, session, send, counters } = await opened()
    const other = await sold.payer()
    const salt = random32()
    const nonce = Authorization.topUpNonce({
      channelId: channel.id,
      additionalDeposit: 500_000n,
      from: other.address,
      topUpSalt: salt,
    })
    const { message, signature } = await other.authorization('receive', {
      from: other.address,
      to: sold.chain.escrow,
      value: 500_000n,
      validAfter: 0n,
      validBefore: 2n ** 40n,
      nonce,
    })
    const authorization = { ...message, value: '500000', validAfter: '0', validBefore: String(2n ** 40n) }
    const response = await send(
      other.channel().said(session, {
        channelId: channel.id,
        action: 'topUp',
        type: 'authorization',
        additionalDeposit: '500000',
        authorization,
        signature,
        salt,
      }),
    )
    expect(response.status).toBe(200)
    expect(await response.json()).not.toHaveProperty('spent')
    expect(await counters()).toMatchObject({ deposit: 1_500_000n, spent: price })
  })

  test('behavior: along with the voucher that needs it', async () => {
    const { channel, session, send, counters } = await opened(20_000n)
    const headers = await channel.voucherWithTopUp(session, 30_000n, 30_000n)
    expect((await send(headers)).status).toBe(200)
    expect(await counters()).toMatchObject({ deposit: 50_000n, accepted: 30_000n, spent: 2n * price })
  })
})

describe('close', () => {
  test('default: pays what was spent and refunds the rest at once', async () => {
    const { channel, session, send, call, payer } = await opened()
    await call(2n * price)
    const response = await send(await channel.close(session, 2n * price))
    expect(response.status).toBe(200)
    expect(await response.json()).toMatchObject({ settled: String(2n * price), finalized: true })
    expect(await payer.balance()).toBe(10_000_000n - 2n * price)
    expect(await channel.onchain()).toMatchObject({ finalized: true, settled: 2n * price })
    expect(await problemOf(await call(3n * price))).toMatchObject({ status: 410, code: 'channel-finalized' })
    // The same close again is answered alike, and sends nothing.
    expect((await send(await channel.close(session, 2n * price))).status).toBe(200)
  })

  test('error: with less than what was spent it is refused, and the channel stays open', async () => {
    const { channel, session, send, call } = await opened()
    await call(2n * price)
    expect((await problemOf(await send(await channel.close(session, price)))).status).toBe(402)
    expect((await call(3n * price)).status).toBe(200)
  })

  test('error: while a call runs it is refused, and the call is still served and paid', async () => {
    const { channel, session, send, call, counters } = await opened()
    const release = Promise.withResolvers<void>()
    sold.upstream.onRequest = () => release.promise
    const running = call(2n * price, '/call/slow')
    await vi.waitFor(() => expect(sold.upstream.seen).toHaveLength(1))
    expect(await problemOf(await send(await channel.close(session, price)))).toMatchObject({ status: 409 })
    release.resolve()
    expect((await running).status).toBe(200)
    expect(await counters()).toMatchObject({ spent: 2n * price })
    expect((await send(await channel.close(session, 2n * price))).status).toBe(200)
  })

  test("behavior: a payer's request to close on chain is answered by settling at once, and by serving no more", async () => {
    const { channel, call, payer } = await opened()
    await call(4n * price)
    await channel.requestClose()
    // The only voucher that covers what was spent is of more than that; the rest is credit of the payer.
    await vi.waitFor(async () => expect(await channel.onchain()).toMatchObject({ settled: 4n * price }), {
      timeout: 10_000,
    })
    const asset = `eip155:${sold.chain.chainId}/erc20:${sold.chain.token.toLowerCase() as Hex}` as const
    await vi.waitFor(async () =>
      expect(await sold.gateway.deps.ledger.balance(`wallet:${payer.address}`, asset)).toMatchObject({
        available: 2n * price,
      }),
    )
    expect(await problemOf(await call(5n * price))).toMatchObject({ status: 410, code: 'channel-finalized' })
  })
})

describe('a thousand calls', () => {
  test('default: cost two transactions, and ledger, channel and escrow agree to the base unit', async () => {
    const { channel, session, send, call, payer } = await opened(10_000_000n)
    const before = await sold.chain.publicClient.getBlockNumber()
    let next = 1
    const worker = async () => {
      while (next < 1_000) {
        next += 1
        const cumulative = BigInt(next) * price
        const response = await send(await channel.voucher(session, cumulative), `/call/${next}`)
        if (response.status !== 200)
          throw new Error(`call ${next}: ${response.status} ${await response.text()}`)
        await response.arrayBuffer()
      }
    }
    await Promise.all(Array.from({ length: 16 }, worker))
    expect(await sold.chain.publicClient.getBlockNumber()).toBe(before)
    expect(sold.upstream.seen).toHaveLength(999)
    const response = await send(await channel.close(session, 1_000n * price))
    expect(response.status).toBe(200)
    // One block opened the channel, and this one closed it.
    expect(await sold.chain.publicClient.getBlockNumber()).toBe(before + 1n)
    const booked = await sold.gateway.deps.ledger.channel(channel.id)
    const spent = 1_000n * price
    expect(booked).toMatchObject({ spent, accepted: spent, settled: spent, finalized: true })
    expect(await channel.onchain()).toMatchObject({ settled: spent, deposit: 10_000_000n })
    expect(await payer.balance()).toBe(10_000_000n - spent)
    expect((await call(1_001n * price)).status).toBe(410)
    const sent = await sold.gateway.deps.ledger.intentsFor(channel.id)
    expect(sent.map(({ kind, state }) => `${kind} ${state}`)).toEqual(['open succeeded', 'close succeeded'])
    await vi.waitFor(async () => expect(await sold.audit()).toBe('All holds.'))
  })
})
