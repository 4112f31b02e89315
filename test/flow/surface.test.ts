import { readFile } from 'node:fs/promises'
import { request } from 'node:https'
import { serve } from '@hono/node-server'
import { Hono } from 'hono'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { farthing } from '../../gateway/middleware.ts'
import { freePort } from '../../scripts/dev/free-port.ts'
import { testFolder } from '../ledger/test-folder.ts'
import { certificateIn } from '../support/certificate.ts'
import { type Sold, sell } from '../support/sold.ts'
import { offers } from '../support/wallet.ts'

/** What a stranger meets. The promise: whoever asks learns what is sold, for what, and how to pay for it. */

let sold: Sold
beforeAll(async () => {
  sold = await sell([
    { path: '/call', price: '0.01', description: 'One call' },
    { method: 'POST', path: '/call', price: '0.01' },
    { path: '/dai', price: '12.345678901234567891', token: 'DAI', rails: ['charge', 'channel'] },
    { path: '/balance-only', price: '0.01', rails: ['balance'] },
    { path: '/free', price: '0' },
  ])
})
afterAll(() => sold?.close())
afterEach(() => sold.upstream.forget())

/** Takes out what differs from run to run. */
function mask(text: string): string {
  return text
    .replaceAll(sold.gateway.url, 'http://gateway')
    .replaceAll(sold.gateway.url.replace('http://', ''), 'gateway')
    .replace(/id="[^"]+"/g, 'id="…"')
    .replace(/opaque="[^"]+"/g, 'opaque="…"')
    .replace(/expires="[^"]+"/g, 'expires="…"')
    .replace(/"challengeId":"[^"]+"/, '"challengeId":"…"')
}

describe('402', () => {
  test('default: says every way to pay in both dialects, and the same in plain words', async () => {
    const response = await fetch(sold.url('/call'))
    expect(response.status).toBe(402)
    expect(response.headers.get('cache-control')).toBe('no-store')
    const challenge = mask(response.headers.get('www-authenticate') ?? '').replace(
      /request="[^"]+"/g,
      'request="…"',
    )
    expect(challenge).toMatchInlineSnapshot(
      `"Payment id="…", realm="gateway", method="evm", intent="charge", request="…", expires="…", opaque="…", description="One call", Payment id="…", realm="gateway", method="evm", intent="session", request="…", expires="…", opaque="…", description="One call""`,
    )
    const { charge, session, x402 } = await offers(sold.url('/call'))
    const decode = (encoded: string): unknown => JSON.parse(Buffer.from(encoded, 'base64url').toString())
    expect({
      charge: decode(charge.request),
      session: decode(session.request),
      x402: JSON.parse(mask(JSON.stringify(x402))),
    }).toMatchSnapshot()
    expect(JSON.parse(mask(await response.text()))).toMatchSnapshot()
  })

  test('behavior: a route that only takes a balance asks for a bearer', async () => {
    const response = await fetch(sold.url('/balance-only'))
    expect(response.status).toBe(402)
    expect(response.headers.get('www-authenticate')).toBe('Bearer')
    expect(response.headers.has('payment-required')).toBe(false)
  })
})

describe('what is free', () => {
  test('default: a free route is forwarded as it is', async () => {
    const response = await fetch(sold.url('/free?a=b'))
    expect(await response.json()).toMatchObject({ url: '/free?a=b' })
    expect(response.headers.has('farthing-receipt')).toBe(false)
  })

  test('behavior: discovery says what is sold, health that the books can be read', async () => {
    const discovery = JSON.parse(mask(await (await fetch(sold.url('/farthing'))).text())) as {
      receiptKey: { x: string }
    }
    discovery.receiptKey.x = '…'
    expect(discovery).toMatchSnapshot()
    expect(await (await fetch(sold.url('/farthing/health'))).json()).toMatchObject({ status: 'ok' })
    expect((await fetch(sold.url('/farthing/nothing'))).status).toBe(404)
  })
})

describe('a browser', () => {
  test.each(['/call', '/farthing/balance', '/farthing/sign-in', '/farthing/balance/top-up'])(
    'default: may send a payment to %s, and read what it needs',
    async (path) => {
      const preflight = await fetch(sold.url(path), {
        method: 'OPTIONS',
        headers: { origin: 'https://app.example', 'access-control-request-method': 'POST' },
      })
      expect(preflight.status).toBe(204)
      expect(preflight.headers.get('access-control-allow-origin')).toBe('*')
      expect(preflight.headers.get('access-control-allow-methods')).toContain('POST')
      expect(preflight.headers.get('access-control-allow-headers')).toContain('PAYMENT-SIGNATURE')
      expect(sold.upstream.seen).toEqual([])
      const response = await fetch(sold.url(path), { headers: { origin: 'https://app.example' } })
      expect(response.headers.get('access-control-allow-origin')).toBe('*')
      expect(response.headers.get('access-control-expose-headers')).toContain('PAYMENT-REQUIRED')
    },
  )

  test('error: a preflight for what is not sold is a 404', async () => {
    const headers = { origin: 'https://app.example', 'access-control-request-method': 'GET' }
    expect((await fetch(sold.url('/closed'), { method: 'OPTIONS', headers })).status).toBe(404)
  })
})

describe('a token of 18 decimals', () => {
  test('default: amounts beyond 64 bits are exact on a charge and on a channel', async () => {
    const price = 12_345_678_901_234_567_891n
    expect(price).toBeGreaterThan(2n ** 63n)
    const payer = await sold.payer(0n)
    await sold.chain.mint(payer.address, 100n * price, sold.chain.token18)
    const { charge, session } = await offers(sold.url('/dai'))
    const token = sold.chain.token18
    const paid = await fetch(sold.url('/dai'), { headers: await payer.charge(charge, {}, {}, token) })
    expect(paid.status).toBe(200)
    expect(await payer.balance(token)).toBe(99n * price)
    const channel = payer.channel({ token, deposit: 10n * price + 1n })
    expect((await fetch(sold.url('/dai'), { headers: await channel.open(session, price) })).status).toBe(200)
    const voucher = await channel.voucher(session, 2n * price + 1n)
    expect((await fetch(sold.url('/dai'), { headers: voucher })).status).toBe(200)
    expect(await sold.gateway.deps.ledger.channel(channel.id)).toMatchObject({
      accepted: 2n * price + 1n,
      spent: 2n * price,
    })
    const closed = await fetch(sold.url('/dai'), { headers: await channel.close(session, 2n * price) })
    expect(closed.status).toBe(200)
    expect(await sold.audit()).toBe('All holds.')
  })
})

describe('TLS', () => {
  test('default: is served from the PEM files that the configuration names', async () => {
    const { keyFile, certFile } = certificateIn(testFolder())
    const port = await freePort()
    const secure = await sell([{ path: '/call', price: '0.01' }], {
      chain: sold.chain,
      override: { publicUrl: `https://localhost:${port}`, listen: { port, tls: { certFile, keyFile } } },
    })
    try {
      const ca = await readFile(certFile)
      const status = await new Promise((resolve, reject) => {
        const call = request(`https://localhost:${port}/call`, { ca, family: 4 }, (response) => {
          response.resume()
          resolve(response.statusCode)
        })
        call.on('error', reject)
        call.end()
      })
      expect(status).toBe(402)
    } finally {
      await secure.close()
    }
  })
})

describe("inside a developer's own app", () => {
  test("default: a sold path is paid before the app's handler answers it; other paths pass through", async () => {
    const served: string[] = []
    const app = new Hono({ strict: false })
    app.use(farthing(sold.gateway))
    app.get('/open', (c) => c.text('open'))
    app.get('/call', (c) => {
      served.push(c.req.header('x-farthing-wallet') ?? 'nobody')
      return c.json({ report: true })
    })
    // The gateway's own route has an upstream; this one is the app's.
    const route = sold.gateway.deps.routes.routes.find(({ id }) => id === 'GET /call')
    if (route === undefined) throw new Error('no route')
    const target = route.target
    route.target = { kind: 'app' }
    const server = await new Promise<{ url: string; close(): void }>((resolve) => {
      const started = serve(
        { fetch: app.fetch, port: 0, hostname: '127.0.0.1', overrideGlobalObjects: false },
        ({ port }) => resolve({ url: `http://127.0.0.1:${port}`, close: () => started.close() }),
      )
    })
    try {
      expect(await (await fetch(`${server.url}/open`)).text()).toBe('open')
      expect(
        (await fetch(`${server.url}/call`, { headers: { 'x-farthing-wallet': '0xforged' } })).status,
      ).toBe(402)
      // This app's router takes a last slash for nothing; the gateway does not let that through.
      expect((await fetch(`${server.url}/call/`)).status).toBe(404)
      expect(served).toEqual([])
      const payer = await sold.payer()
      const { charge } = await offers(`${server.url}/call`)
      const paid = await fetch(`${server.url}/call`, { headers: await payer.charge(charge) })
      expect(paid.status).toBe(200)
      expect(await paid.json()).toEqual({ report: true })
      expect(paid.headers.has('payment-receipt')).toBe(true)
      expect(served).toEqual([payer.address])
    } finally {
      route.target = target
      server.close()
    }
  })
})
