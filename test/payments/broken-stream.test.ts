import type { Address } from 'viem'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { ConfigError } from '../../gateway/config/Config.ts'
import * as Account from '../../gateway/ledger/Account.ts'
import * as Asset from '../../gateway/ledger/Asset.ts'
import type { Payment } from '../../gateway/ledger/Payment.ts'
import { keptOf, lengthOf } from '../../gateway/request/broken-stream.ts'
import { type Sold, sell } from '../support/sold.ts'
import { offers, type wallet } from '../support/wallet.ts'

/** A stream that breaks off costs what the route said it would, on every rail; the rest is credit. */

const rules = ['free', 'full', 'per-byte'] as const
const price = 1_000_000n
let sold: Sold
beforeAll(async () => {
  const routes = rules.flatMap((brokenStream) =>
    (['before-call', 'before-release', 'after'] as const)
      .filter((settle) => settle !== 'after' || brokenStream !== 'per-byte')
      .map((settle) => ({
        path: `/${brokenStream}/${settle}/*`,
        price: '1',
        brokenStream,
        settle,
      })),
  )
  // Nothing is kept, so that every answer is a stream.
  sold = await sell(routes, { override: { limits: { storedAnswerBytes: 0 }, losses: { perPayer: '5' } } })
  sold.upstream.onRequest = (seen) => {
    seen.url = seen.url.replace(/^\/[^/]+\/[^/]+(?=\/)/, '')
  }
})
afterAll(() => sold?.close())

const asset = () => Asset.of(sold.chain.chainId, sold.chain.token)
const credit = async (address: Address) =>
  (await sold.gateway.deps.ledger.balance(Account.wallet(address), asset())).available

/** Reads what comes of an answer, broken or not. */
async function read(response: Response): Promise<number> {
  let bytes = 0
  try {
    for await (const chunk of response.body ?? []) bytes += (chunk as Uint8Array).byteLength
  } catch {
    // It broke off: that is what this is about.
  }
  return bytes
}

async function ended(
  path: string,
  headers: Record<string, string>,
): Promise<{ bytes: number; payment: Payment }> {
  const response = await fetch(sold.url(path), { headers })
  expect(response.status).toBe(200)
  const bytes = await read(response)
  const receipt = response.headers.get('farthing-receipt')?.split('.')[1] ?? ''
  const { jti } = JSON.parse(Buffer.from(receipt, 'base64url').toString()) as { jti: string }
  const payment = await vi.waitFor(async () => {
    const now = await sold.gateway.deps.ledger.payment({ id: jti })
    if (now === null || now.delivery === 'delivering' || now.delivery === 'held') throw new Error('running')
    if (now.money === 'settling') throw new Error('settling')
    return now
  })
  return { bytes, payment }
}

async function byCharge(path: string) {
  const payer = await sold.payer(2_000_000n)
  const { charge } = await offers(sold.url(path))
  return { payer, ...(await ended(path, await payer.charge(charge))) }
}

async function byBalance(path: string) {
  const payer = await sold.payer(2_000_000n)
  await payer.topUp(sold.gateway.url, '1')
  const token = await payer.signIn(sold.gateway.url)
  return { payer, ...(await ended(path, { authorization: `Bearer ${token}` })) }
}

async function byChannel(path: string) {
  const payer: wallet.Wallet = await sold.payer(2_000_000n)
  const channel = payer.channel({ deposit: price })
  const { session } = await offers(sold.url(path))
  return { payer, ...(await ended(path, await channel.voucherWithDeposit(session, price))) }
}

/** `/truncated` says 100 bytes and gives 10; `/broken` does not say. */
const expected = {
  free: { truncated: 0n, broken: 0n },
  full: { truncated: price, broken: price },
  'per-byte': { truncated: price / 10n, broken: 0n },
}

describe.each(rules)('brokenStream %s', (rule) => {
  describe.each([
    ['charge', byCharge],
    ['balance', byBalance],
    ['channel', byChannel],
  ] as const)('by %s', (rail, pay) => {
    test.each(['truncated', 'broken'] as const)('behavior: /%s', async (way) => {
      const { payer, bytes, payment } = await pay(`/${rule}/before-release/${way}`)
      const kept = expected[rule][way]
      expect(bytes).toBeGreaterThan(0)
      expect(payment).toMatchObject({
        charged: kept,
        delivery: kept === 0n ? 'failed' : 'delivered',
        delivered: { bytes, whole: false },
      })
      expect(await credit(payer.address), rail).toBe(price - kept)
      expect(await sold.audit()).toBe('All holds.')
    })
  })

  test('default: a whole stream costs all of it, and the 402 says what a broken one would', async () => {
    const path = `/${rule}/before-call/stream`
    const { problem } = await offers(sold.url(path))
    expect(problem).toMatchObject({ brokenStream: rule })
    const { bytes, payment } = await byCharge(path)
    expect(payment).toMatchObject({ charged: price, delivered: { bytes, whole: true } })
  })

  test('behavior: settled before the call, the rest is credit too', async () => {
    const { payer, payment } = await byCharge(`/${rule}/before-call/truncated`)
    expect(payment.charged).toBe(expected[rule].truncated)
    expect(await credit(payer.address)).toBe(price - expected[rule].truncated)
    expect(await payer.balance()).toBe(price)
  })
})

describe('settled after', () => {
  test('behavior: free never sends the transfer; full sends it', async () => {
    const free = await byCharge('/free/after/broken')
    expect(free.payment).toMatchObject({ money: 'void', charged: 0n })
    expect(await free.payer.balance()).toBe(2_000_000n)
    const full = await byCharge('/full/after/broken')
    expect(full.payment).toMatchObject({ delivery: 'delivered', delivered: { whole: false } })
    await vi.waitFor(async () => expect(await full.payer.balance()).toBe(price))
  })

  test('error: per-byte is refused at start: such a transfer moves all of it or nothing', async () => {
    const routes = [{ path: '/x', price: '1', settle: 'after', brokenStream: 'per-byte' }] as const
    await expect(sell([...routes], { chain: sold.chain })).rejects.toThrow(ConfigError)
  })
})

describe('discovery', () => {
  test('default: states each route’s rule', async () => {
    const document = (await (await fetch(`${sold.gateway.url}/farthing`)).json()) as {
      routes: { path: string; brokenStream: string }[]
    }
    const own = document.routes.filter(({ path }) => path.includes('*'))
    for (const { path, brokenStream } of own) expect(path).toContain(`/${brokenStream}/`)
  })
})

describe('keptOf', () => {
  test('default: rounds in the payer’s favour, and never keeps more than was charged', () => {
    expect(keptOf('per-byte', 10n, 1, 3)).toBe(3n)
    expect(keptOf('per-byte', 10n, 3, 3)).toBe(10n)
    expect(keptOf('per-byte', 10n, 4, 3)).toBe(10n)
    expect(keptOf('per-byte', 10n, 1, 0)).toBe(0n)
    expect(keptOf('per-byte', 10n, 1, null)).toBe(0n)
    for (const rule of rules) expect(keptOf(rule, 10n, 0, 3), rule).toBe(0n)
  })
  test('error: a length that is no number is no length', () => {
    for (const text of ['-1', '1.5', '0x10', '', '1e3', '9'.repeat(20)])
      expect(lengthOf(['content-length', text]), text).toBe(null)
  })
})
