import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import * as Challenge from '../../gateway/protocol/mpp/Challenge.ts'
import * as Credential from '../../gateway/protocol/mpp/Credential.ts'
import { type Sold, sell } from '../support/sold.ts'
import { offers } from '../support/wallet.ts'

/** Attacks 2 and 3: one payment presented twice. The promise: a payment buys exactly one delivered result. */

const price = 10_000n
let sold: Sold
beforeAll(async () => {
  sold = await sell([
    { path: '/cheap', price: '0.01' },
    { path: '/dear', price: '0.02' },
    { path: '/same/:id', price: '0.01' },
    { path: '/same-price', price: '0.01' },
    { path: '/first', price: '0.01', settle: 'before-call' },
    { path: '/after', price: '0.01', settle: 'after' },
    { method: 'POST', path: '/cheap', price: '0.01' },
  ])
})
afterAll(() => sold?.close())
afterEach(() => sold.upstream.forget())

const get = (path: string, headers: Record<string, string>, init: RequestInit = {}) =>
  fetch(sold.url(path), { ...init, headers: { ...headers, ...init.headers } })
const settled = () =>
  vi.waitFor(async () => expect(await sold.gateway.deps.ledger.openPayments(10)).toEqual([]))

describe('cross-route replay', () => {
  test.each(['mpp', 'x402'] as const)(
    'error: a %s payment for a cheap route does not buy a dear one',
    async (dialect) => {
      const payer = await sold.payer()
      const { charge, x402 } = await offers(sold.url('/cheap'))
      const headers = dialect === 'mpp' ? await payer.charge(charge) : await payer.exact(x402)
      for (const path of ['/dear', '/same-price', '/same/1']) {
        const response = await get(path, headers)
        expect(response.status).toBe(402)
        expect(await response.json()).toMatchObject({ code: 'invalid-challenge' })
        expect(response.headers.get('www-authenticate')).toContain('Payment ')
      }
      expect(sold.upstream.seen).toEqual([])
      expect((await get('/cheap', headers)).status).toBe(200)
      expect(sold.upstream.seen).toHaveLength(1)
    },
  )

  test.each(['mpp', 'x402'] as const)(
    'error: a %s payment presented at two routes at once buys exactly one',
    async (dialect) => {
      const payer = await sold.payer()
      const before = await payer.balance()
      const { charge, x402 } = await offers(sold.url('/same/1'))
      const bare = { ...x402, resource: undefined } as unknown as typeof x402
      const headers = dialect === 'mpp' ? await payer.charge(charge) : await payer.exact(bare)
      const paths = ['/same/1', '/same/2', '/same/3', '/cheap', '/dear', '/same/1?x=1']
      const answers = await Promise.all(paths.map((path) => get(path, headers)))
      expect(answers.filter(({ status }) => status === 200)).toHaveLength(1)
      expect(sold.upstream.seen).toHaveLength(1)
      expect(before - (await payer.balance())).toBe(price)
    },
  )
})

describe('one credential raced', () => {
  test.each([
    ['mpp', '/cheap'],
    ['x402', '/cheap'],
    ['mpp', '/first'],
    ['mpp', '/after'],
  ] as const)(
    'error: fifty copies of a %s charge of %s make one call and one charge',
    async (dialect, path) => {
      const payer = await sold.payer()
      const before = await payer.balance()
      const { charge, x402 } = await offers(sold.url(path))
      const headers = dialect === 'mpp' ? await payer.charge(charge) : await payer.exact(x402)
      const answers = await Promise.all(Array.from({ length: 50 }, () => get(path, headers)))
      const statuses = new Set(answers.map(({ status }) => status))
      expect([...statuses].filter((status) => status !== 200 && status !== 409)).toEqual([])
      const bodies = await Promise.all(
        answers.filter(({ status }) => status === 200).map((one) => one.text()),
      )
      expect(new Set(bodies).size).toBe(1)
      expect(sold.upstream.seen).toHaveLength(1)
      await settled()
      expect(before - (await payer.balance())).toBe(price)
    },
  )

  test('error: fifty copies of a voucher make one call and one charge', async () => {
    const payer = await sold.payer()
    const channel = payer.channel()
    const { session } = await offers(sold.url('/cheap'))
    expect((await get('/cheap', await channel.open(session, price))).status).toBe(200)
    const headers = await channel.voucher(session, 2n * price)
    const answers = await Promise.all(Array.from({ length: 50 }, () => get('/cheap', headers)))
    expect(answers.filter(({ status }) => status !== 200 && status !== 409)).toEqual([])
    expect(sold.upstream.seen).toHaveLength(2)
    expect(await sold.gateway.deps.ledger.channel(channel.id)).toMatchObject({ spent: 2n * price })
  })

  test('error: fifty copies of a balance call under one Idempotency-Key make one call and one charge', async () => {
    const payer = await sold.payer()
    expect((await payer.topUp(sold.gateway.url, '0.05')).status).toBe(200)
    const token = await payer.signIn(sold.gateway.url)
    const headers = { authorization: `Bearer ${token}`, 'idempotency-key': 'one' }
    const answers = await Promise.all(Array.from({ length: 50 }, () => get('/cheap', headers)))
    expect(answers.filter(({ status }) => status !== 200 && status !== 409)).toEqual([])
    expect(sold.upstream.seen).toHaveLength(1)
    const balance = await fetch(sold.url('/farthing/balance'), {
      headers: { authorization: `Bearer ${token}` },
    })
    expect(await balance.json()).toMatchObject({ balances: [{ available: '40000' }, { available: '0' }] })
  })
})

describe('a payment for another request', () => {
  test('error: a challenge for one body does not pay for another', async () => {
    const payer = await sold.payer()
    const { charge } = await offers(sold.url('/cheap'), { method: 'POST', body: 'mine' })
    expect(charge.digest).toMatch(/^sha-256=:/)
    const headers = await payer.charge(charge)
    for (const init of [{ body: 'other' }, { body: '' }, {}]) {
      const response = await get('/cheap', headers, { method: 'POST', ...init })
      expect(response.status).toBe(402)
      expect(await response.json()).toMatchObject({ code: 'invalid-challenge' })
    }
    expect(sold.upstream.seen).toEqual([])
    expect((await get('/cheap', headers, { method: 'POST', body: 'mine' })).status).toBe(200)
  })

  test('error: a credential that was used for one query does not get the answer to another', async () => {
    const payer = await sold.payer()
    const { charge } = await offers(sold.url('/cheap'))
    const headers = await payer.charge(charge)
    expect((await get('/cheap?a=1', headers)).status).toBe(200)
    const other = await get('/cheap?a=2', headers)
    expect(other.status).toBe(402)
    expect(await other.json()).toMatchObject({ code: 'invalid-challenge' })
    expect(sold.upstream.seen).toHaveLength(1)
  })

  const parts = ['id', 'realm', 'method', 'intent', 'request', 'expires', 'digest', 'opaque'] as const
  test.each(parts)('error: a challenge whose %s was altered is refused', async (part) => {
    const payer = await sold.payer(1_000_000n)
    const { charge } = await offers(sold.url('/cheap'))
    const dear = (await offers(sold.url('/dear'))).charge
    const changed: Challenge.Challenge = {
      ...charge,
      [part]: {
        id: dear.id,
        realm: 'evil.example',
        method: 'tempo',
        intent: 'session',
        request: dear.request,
        expires: '2099-01-01T00:00:00Z',
        digest: 'sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:',
        opaque: dear.opaque,
      }[part],
    }
    for (const path of ['/cheap', '/dear']) {
      const response = await get(path, await payer.charge(changed, { value: price }))
      expect(response.status).toBe(402)
      expect(await response.json()).toMatchObject({ code: 'invalid-challenge' })
    }
    expect(sold.upstream.seen).toEqual([])
  })

  test('error: a challenge signed with a foreign secret, or expired, is refused', async () => {
    const payer = await sold.payer(1_000_000n)
    const { charge } = await offers(sold.url('/cheap'))
    const { id: _, ...unbound } = charge
    const foreign = { ...unbound, id: Challenge.bind(unbound, new Uint8Array(32)) }
    const secret = sold.gateway.deps.keys.challenge
    const old = { ...unbound, expires: '2020-01-01T00:00:00.000Z' }
    const expired = { ...old, id: Challenge.bind(old, secret) }
    const eternal = { ...unbound, expires: undefined }
    const never = { ...eternal, id: Challenge.bind(eternal, secret) }
    for (const challenge of [foreign, expired, never]) {
      const response = await get('/cheap', await payer.charge(challenge))
      expect(await response.json()).toMatchObject({ status: 402, code: 'invalid-challenge' })
    }
    expect(sold.upstream.seen).toEqual([])
  })

  test('error: an x402 payload that accepts other terms than ours is refused', async () => {
    const payer = await sold.payer(1_000_000n)
    const { x402 } = await offers(sold.url('/cheap'))
    const [ours] = x402.accepts
    if (ours === undefined) throw new Error('no offer')
    const bent = [
      { ...ours, amount: '1' },
      { ...ours, network: 'eip155:1' },
      { ...ours, asset: sold.chain.token18 },
      { ...ours, payTo: payer.account.address },
      { ...ours, scheme: 'upto' },
      { ...ours, maxTimeoutSeconds: 1e9 },
      { ...ours, extra: { ...ours.extra, route: 'GET /dear' } },
      { ...ours, extra: {} },
    ]
    for (const accepted of bent) {
      const response = await get(
        '/cheap',
        await payer.exact({ ...x402, accepts: [accepted] }, { value: price }),
      )
      expect(await response.json()).toMatchObject({ status: 402, code: 'invalid-challenge' })
    }
    for (const url of ['http://evil.example/cheap', `${sold.gateway.url}/dear`, 'nonsense']) {
      const response = await get('/cheap', await payer.exact({ ...x402, resource: { url } }))
      expect(await response.json()).toMatchObject({ status: 402, code: 'invalid-challenge' })
    }
    expect(sold.upstream.seen).toEqual([])
  })

  test('error: a session credential of a charge challenge, or the other way round, is refused', async () => {
    const payer = await sold.payer(1_000_000n)
    const { charge, session } = await offers(sold.url('/cheap'))
    const channel = payer.channel()
    expect(await (await get('/cheap', await channel.open(charge, price))).json()).toMatchObject({
      code: 'malformed-credential',
    })
    const swapped = await payer.charge(session, { value: price })
    expect(await (await get('/cheap', swapped)).json()).toMatchObject({ code: 'malformed-credential' })
    expect(Credential.token(swapped.authorization ?? '')).not.toBeNull()
    expect(sold.upstream.seen).toEqual([])
  })
})

describe('after all of it', () => {
  test('behavior: books and chain agree', async () => {
    await settled()
    expect(await sold.audit()).toBe('All holds.')
  })
})
