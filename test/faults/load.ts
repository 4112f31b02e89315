import { setTimeout as sleep } from 'node:timers/promises'
import { expect, vi } from 'vitest'
import type * as SignedReceipt from '../../gateway/protocol/SignedReceipt.ts'
import { offers } from '../support/wallet.ts'
import type { House, house } from './house.ts'
import { price } from './round.ts'

/** Others who call while the process is killed: on a channel, from a balance, and by single transfers. */
export type Load = {
  /** Nobody calls any more; resolves when everybody was told how the last call ended. */
  end(): Promise<void>
  /** Everything that somebody holds a receipt for is in the books, delivered, once. */
  check(): Promise<void>
}

type Rail = 'channel' | 'balance' | 'charge'
const all: readonly Rail[] = ['channel', 'balance', 'charge']

/** They call as people do, and leave the machine to what is tested. Milliseconds. */
const pace = 100

/** Begins; resolves when each of them was answered once. */
export async function load(home: House, rails: readonly Rail[] = all): Promise<Load> {
  const receipts = new Map<string, SignedReceipt.Claims>()
  let stopped = false
  let calls = 0
  const counts = new Map<Rail, number>(rails.map((rail) => [rail, 0]))

  /** An honest client: the same credential, as often as it takes. */
  async function insist(path: string, headers: Record<string, string>): Promise<void> {
    for (;;) {
      try {
        const response = await fetch(home.url + path, { headers })
        await response.arrayBuffer()
        const jws = response.headers.get('farthing-receipt')
        if (response.status === 200 && jws !== null) {
          const claims = claimsOf(jws)
          receipts.set(claims.jti, claims)
        }
        if (response.status !== 503 && !response.headers.has('retry-after')) return
      } catch {
        // Killed under us.
      }
      await sleep(pace)
    }
  }
  async function ask(path: string) {
    for (;;) {
      try {
        return await offers(home.url + path)
      } catch {
        await sleep(pace)
      }
    }
  }
  const path = (rail: Rail) => {
    calls += 1
    return `/load/${rail}?call=load-${calls}`
  }
  const rounds = (rail: Rail, once: () => Promise<void>) => async () => {
    while (!stopped && counts.has(rail)) {
      await once()
      counts.set(rail, (counts.get(rail) ?? 0) + 1)
      await sleep(pace)
    }
  }

  const channelPayer = await home.payer(100_000_000n)
  const channel = channelPayer.channel({ deposit: 100_000_000n })
  let cumulative = 0n
  const byChannel = rounds('channel', async () => {
    const target = path('channel')
    const { session } = await ask(target)
    cumulative += price
    const headers =
      cumulative === price
        ? await channel.open(session, cumulative)
        : await channel.voucher(session, cumulative)
    await insist(target, headers)
  })
  const balancePayer = await home.payer(100_000_000n)
  await balancePayer.topUp(home.url, '50')
  const token = await balancePayer.signIn(home.url)
  const byBalance = rounds('balance', async () => {
    const target = path('balance')
    await insist(target, { authorization: `Bearer ${token}`, 'idempotency-key': target })
  })
  const chargePayer = await home.payer(100_000_000n)
  const byCharge = rounds('charge', async () => {
    const target = path('charge')
    await insist(target, await chargePayer.charge((await ask(target)).charge))
  })

  const working = Promise.all([byChannel(), byBalance(), byCharge()])
  await vi.waitFor(() => expect(Math.min(...counts.values())).toBeGreaterThan(0), {
    timeout: 30_000,
    interval: 10,
  })
  return {
    async end() {
      stopped = true
      await working
    },
    async check() {
      await home.look(async (books) => {
        for (const { jti, sub } of receipts.values())
          expect(await books.payment({ id: jti }), jti).toMatchObject({
            delivery: 'delivered',
            wallet: sub,
            charged: price,
          })
      })
      expect(receipts.size).toBeGreaterThanOrEqual(rails.length)
    },
  }
}

load.routes = all.map((rail): house.RouteInput => ({ path: `/load/${rail}`, price: '0.01', rails: [rail] }))

function claimsOf(jws: string): SignedReceipt.Claims {
  const [, body = ''] = jws.split('.')
  return JSON.parse(Buffer.from(body, 'base64url').toString()) as SignedReceipt.Claims
}
