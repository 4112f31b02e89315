import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import type { Payment } from '../../gateway/ledger/Payment.ts'
import { offers, type wallet } from '../support/wallet.ts'
import { type Twin, type Twins, twins } from './twins.ts'

/**
 * Two real gateway processes on one ledger file, with one key, on one chain and before one upstream. The promise of one
 * holds for both together: a payment buys exactly one delivered result.
 */

const price = 10_000n
const rails = ['charge', 'channel', 'balance'] as const
let home: Twins
let tags = 0
beforeAll(async () => {
  home = await twins([
    { path: '/call', price: '0.01' },
    { path: '/before-call', price: '0.01', settle: 'before-call' },
  ])
  await home.one.start()
  await home.two.start()
}, 60_000)
afterEach(() => home.upstream.forget())
afterAll(() => home?.close())

type Headers = Record<string, string>
/** One call, signed, and what it is paid from. */
type Signed = { tag: string; path: string; headers: Headers }

/** Where a wallet asks first, and where it asks then. */
type Both = readonly [Twin, Twin]
const both = (): Both => [home.one, home.two]

/** The leading one of the two, and the other. */
function roles(): { leader: Twin; follower: Twin } {
  return home.one.times('instance-leads') > 0
    ? { leader: home.one, follower: home.two }
    : { leader: home.two, follower: home.one }
}

const nextPath = (route = '/call') => {
  tags += 1
  return { tag: `tag-${tags}`, path: `${route}?call=tag-${tags}` }
}

async function byCharge(
  payer: wallet.Wallet,
  dialect: 'mpp' | 'x402',
  route?: string,
  at = both(),
): Promise<Signed> {
  const { tag, path } = nextPath(route)
  const offered = await offers(at[0].url + path)
  const headers = await (dialect === 'mpp' ? payer.charge(offered.charge) : payer.exact(offered.x402))
  return { tag, path, headers }
}

/** A voucher on a channel that is open, for a call that its caller has named. */
async function byChannel(payer: wallet.Wallet, at = both()): Promise<Signed> {
  const channel = payer.channel({ deposit: 500_000n })
  const opening = nextPath()
  const { session } = await offers(at[0].url + opening.path)
  const opened = await fetch(at[0].url + opening.path, { headers: await channel.open(session, price) })
  expect(opened.status).toBe(200)
  const { tag, path } = nextPath()
  const offered = await offers(at[1].url + path)
  const voucher = await channel.voucher(offered.session, 2n * price)
  return { tag, path, headers: { ...voucher, 'idempotency-key': tag } }
}

/** A credential that opens the channel it pays from. */
async function byOpening(payer: wallet.Wallet): Promise<Signed> {
  const { tag, path } = nextPath()
  const { session } = await offers(home.one.url + path)
  const headers = await payer.channel({ deposit: 500_000n }).open(session, price)
  return { tag, path, headers: { ...headers, 'idempotency-key': tag } }
}

/** Signed in at one of them: the session is good at both. */
async function byBalance(payer: wallet.Wallet, at = both()): Promise<Signed> {
  expect((await payer.topUp(at[1].url, '0.5')).status).toBe(200)
  const { tag, path } = nextPath()
  const token = await payer.signIn(at[0].url)
  return { tag, path, headers: { authorization: `Bearer ${token}`, 'idempotency-key': tag } }
}

const signedBy: Record<(typeof rails)[number], (payer: wallet.Wallet, at?: Both) => Promise<Signed>> = {
  charge: (payer, at = both()) => byCharge(payer, 'mpp', '/call', at),
  channel: byChannel,
  balance: byBalance,
}

const ask = (twin: Twin, { path, headers }: Signed, more: Headers = {}) =>
  fetch(twin.url + path, { headers: { ...headers, ...more } })

/** An honest client: the same credential, wherever it is answered, until it is told. */
async function insist(at: readonly Twin[], signed: Signed): Promise<Response> {
  return vi.waitFor(
    async () => {
      for (const twin of at) {
        const response = await ask(twin, signed).catch(() => null)
        if (response !== null && response.status !== 503 && !response.headers.has('retry-after'))
          return response
      }
      throw new Error('Not yet.')
    },
    { timeout: 60_000, interval: 50 },
  )
}

function jtiOf(response: Response): string {
  const [, body = ''] = (response.headers.get('farthing-receipt') ?? '').split('.')
  return (JSON.parse(Buffer.from(body, 'base64url').toString()) as { jti: string }).jti
}

const payment = (id: string) => home.look((books) => books.payment({ id }))

/** Holds every call of these back at the upstream, until it is let go. */
function hold(signed: readonly Signed[]) {
  const gate = Promise.withResolvers<void>()
  home.upstream.onRequest = ({ url }) =>
    signed.some(({ tag }) => url.endsWith(`=${tag}`)) ? gate.promise : undefined
  const arrived = () =>
    vi.waitFor(() => expect(signed.map(({ tag }) => home.runs(tag))).toEqual(signed.map(() => 1)), {
      timeout: 30_000,
    })
  return { release: gate.resolve, arrived }
}

describe('a hundred copies of one credential, over two processes', () => {
  const cases: [string, (payer: wallet.Wallet) => Promise<Signed>][] = [
    ['MPP charge', (payer) => byCharge(payer, 'mpp')],
    ['MPP charge, settled before the call', (payer) => byCharge(payer, 'mpp', '/before-call')],
    ['x402 charge', (payer) => byCharge(payer, 'x402')],
    ['a voucher with a key', byChannel],
    ['an opening with a key', byOpening],
    ['a balance with a key', byBalance],
  ]

  test.each(cases)('behavior: %s: one call, one charge, and nobody pays twice', async (_name, sign) => {
    const payer = await home.payer()
    const signed = await sign(payer)
    const { release } = hold([signed])
    let told = 0
    const copies = Array.from({ length: 100 }, (_, index) =>
      ask(index % 2 === 0 ? home.one : home.two, signed).then(async (response) => {
        const body = await response.text()
        told += 1
        return { response, body }
      }),
    )
    // Everybody but the one that is served is told while it runs.
    await vi.waitFor(() => expect(told).toBeGreaterThanOrEqual(99), { timeout: 60_000 })
    release()
    const all = await Promise.all(copies)
    const [served, others] = [200, 409].map((status) =>
      all.filter(({ response }) => response.status === status),
    )
    expect([served?.length, others?.length]).toEqual([1, 99])
    for (const { response, body } of others ?? []) {
      expect(response.headers.get('retry-after')).toBe('1')
      expect(JSON.parse(body)).toMatchObject({ code: 'payment-in-progress' })
    }
    expect(home.runs(signed.tag)).toBe(1)
    const [winner] = served ?? []
    if (winner === undefined) throw new Error('Nobody was served.')
    // Whoever asks now, and wherever, has the same answer.
    for (const twin of [home.one, home.two]) {
      const again = await ask(twin, signed)
      expect([again.status, await again.text()]).toEqual([200, winner.body])
      expect(jtiOf(again)).toBe(jtiOf(winner.response))
    }
    expect(home.runs(signed.tag)).toBe(1)
    expect(await payment(jtiOf(winner.response))).toMatchObject({ delivery: 'delivered', charged: price })
  })

  test.each(cases)('behavior: %s, with Prefer: wait: all have the one answer', async (_name, sign) => {
    const payer = await home.payer()
    const signed = await sign(payer)
    const { release, arrived } = hold([signed])
    const copies = Array.from({ length: 100 }, (_, index) =>
      ask(index % 2 === 0 ? home.one : home.two, signed, { prefer: 'wait=20' }),
    )
    await arrived()
    release()
    const all = await Promise.all(copies)
    expect(new Set(all.map(({ status }) => status))).toEqual(new Set([200]))
    expect(new Set(all.map(jtiOf)).size).toBe(1)
    expect(new Set(await Promise.all(all.map((response) => response.text()))).size).toBe(1)
    expect(home.runs(signed.tag)).toBe(1)
  })

  test('behavior: afterwards books and chain agree', async () => {
    expect(await home.audit()).toBe('All holds.')
    await home.one.start()
    await home.two.start()
  })
})

describe('a second gateway', () => {
  test('behavior: started while the first has calls running, ends none of them', async () => {
    await home.two.stop()
    const alone: Both = [home.one, home.one]
    const signed = await Promise.all(rails.map(async (rail) => signedBy[rail](await home.payer(), alone)))
    const { release, arrived } = hold(signed)
    const calls = signed.map((one) => ask(home.one, one))
    await arrived()
    await home.two.start()
    expect(home.two.times('payment-recovered')).toBe(0)
    expect(home.two.times('instance-leads')).toBe(0)
    release()
    for (const response of await Promise.all(calls)) {
      expect(response.status).toBe(200)
      expect(await payment(jtiOf(response))).toMatchObject({ delivery: 'delivered', charged: price })
    }
    expect(home.one.times('instance-taken-over')).toBe(0)
  })
})

describe('one of two is gone', () => {
  /** Calls on every rail, held back at the upstream. */
  async function running(at: Twin): Promise<{ signed: Signed[]; ask: () => Promise<Response | null>[] }> {
    const signed = await Promise.all(rails.map(async (rail) => signedBy[rail](await home.payer())))
    return { signed, ask: () => signed.map((one) => ask(at, one).catch(() => null)) }
  }

  /** Others who go on calling, at whichever process answers. */
  async function others(): Promise<{ end(): Promise<Map<string, Payment | null>> }> {
    const receipts = new Set<string>()
    let stopped = false
    const balance = await byBalance(await home.payer())
    const payer = await home.payer()
    const note = (response: Response) => {
      if (response.status === 200) receipts.add(jtiOf(response))
    }
    const loop = async (next: () => Promise<Signed>) => {
      while (!stopped) note(await insist(both(), await next()))
    }
    const alive = async (path: string) =>
      vi.waitFor(() => Promise.any(both().map(({ url }) => offers(url + path))), { timeout: 30_000 })
    const work = Promise.all([
      loop(async () => {
        const { tag, path } = nextPath()
        return { tag, path, headers: { ...balance.headers, 'idempotency-key': tag } }
      }),
      loop(async () => {
        const { tag, path } = nextPath()
        return { tag, path, headers: await payer.charge((await alive(path)).charge) }
      }),
    ])
    await vi.waitFor(() => expect(receipts.size).toBeGreaterThan(2), { timeout: 30_000 })
    return {
      async end() {
        const before = receipts.size
        await vi.waitFor(() => expect(receipts.size).toBeGreaterThan(before + 2), { timeout: 60_000 })
        stopped = true
        await work
        return new Map(await Promise.all([...receipts].map(async (id) => [id, await payment(id)] as const)))
      },
    }
  }

  test.each(['leader', 'follower'] as const)(
    'behavior: the %s is killed with calls running: the other ends them, keeps its own, and goes on',
    async (which) => {
      const { leader, follower } = roles()
      const [victim, survivor] = which === 'leader' ? [leader, follower] : [follower, leader]
      const load = await others()
      const lost = await running(victim)
      const kept = await running(survivor)
      const { release, arrived } = hold([...lost.signed, ...kept.signed])
      const cut = lost.ask()
      const going = kept.ask()
      await arrived()
      victim.signal('SIGKILL')
      await victim.gone()
      await vi.waitFor(
        () => {
          expect(survivor.times('instance-taken-over')).toBe(1)
          expect(survivor.times('payment-recovered')).toBeGreaterThanOrEqual(rails.length)
        },
        { timeout: 30_000 },
      )
      expect(survivor.times('instance-leads')).toBe(1)
      expect(await Promise.all(cut)).toEqual(rails.map(() => null))
      release()
      // What the survivor was doing was never touched.
      for (const response of await Promise.all(going)) {
        expect(response?.status).toBe(200)
        if (response === null) continue
        expect(await payment(jtiOf(response))).toMatchObject({ delivery: 'delivered', charged: price })
      }
      for (const { tag } of kept.signed) expect(home.runs(tag)).toBe(1)
      // What was cut off is made again, for the same credential, and paid once.
      for (const one of lost.signed) {
        const response = await insist([survivor], one)
        expect(response.status).toBe(200)
        expect(home.runs(one.tag)).toBe(2)
        expect(await payment(jtiOf(response))).toMatchObject({ delivery: 'delivered', charged: price })
      }
      await victim.start()
      expect(victim.times('instance-leads')).toBe(0)
      for (const [id, booked] of await load.end())
        expect(booked, id).toMatchObject({ delivery: 'delivered', charged: price })
      expect(await home.audit()).toBe('All holds.')
      await home.one.start()
      await home.two.start()
    },
    180_000,
  )

  test('behavior: the one that opens a channel is killed: copies are told 409, and served once it is open', async () => {
    const { leader, follower } = roles()
    const one = await byOpening(await home.payer())
    await home.chain.testClient.setAutomine(false)
    const cut = ask(leader, one).catch(() => null)
    const openings = () =>
      home.look(async (books) => (await books.openIntents()).filter(({ kind }) => kind === 'open'))
    await vi.waitFor(async () => expect(await openings()).toMatchObject([{ state: 'sent' }]), {
      timeout: 30_000,
    })
    const copy = await ask(follower, one)
    expect([copy.status, copy.headers.get('retry-after')]).toEqual([409, '1'])
    leader.signal('SIGKILL')
    await leader.gone()
    expect(await cut).toBeNull()
    await vi.waitFor(() => expect(follower.times('instance-taken-over')).toBe(1), { timeout: 30_000 })
    // Nobody else is at it: this one follows it now, and its caller with it.
    const followed = ask(follower, one)
    await home.chain.testClient.setAutomine(true)
    await home.chain.mine(1)
    await followed
    const response = await insist([follower], one)
    expect(response.status).toBe(200)
    expect(home.runs(one.tag)).toBe(1)
    expect(await payment(jtiOf(response))).toMatchObject({ delivery: 'delivered', charged: price })
    expect(await home.audit()).toBe('All holds.')
    await home.one.start()
    await home.two.start()
  }, 180_000)

  test('error: the leader is stopped (SIGSTOP) until its calls were ended, and wakes: it charges for none of them', async () => {
    const { leader, follower } = roles()
    const lost = await running(leader)
    const { release, arrived } = hold(lost.signed)
    const late = lost.ask()
    await arrived()
    leader.signal('SIGSTOP')
    await vi.waitFor(() => expect(follower.times('payment-recovered')).toBe(rails.length), {
      timeout: 60_000,
    })
    expect(follower.times('instance-leads')).toBe(1)
    // They are made again while the first one sleeps.
    const again = lost.signed.map((one) => insist([follower], one))
    await vi.waitFor(() => expect(lost.signed.map(({ tag }) => home.runs(tag))).toEqual(rails.map(() => 2)), {
      timeout: 30_000,
    })
    leader.signal('SIGCONT')
    release()
    for (const response of await Promise.all(late)) expect(response?.status ?? 503).toBe(503)
    const served = await Promise.all(again)
    for (const response of served) {
      expect(response.status).toBe(200)
      expect(await payment(jtiOf(response))).toMatchObject({ delivery: 'delivered', charged: price })
    }
    expect(await leader.gone()).toBe(1)
    expect(leader.times('instance-lost')).toBe(1)
    expect(await home.audit()).toBe('All holds.')
  }, 180_000)
})
