import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { openSqliteLedger } from '../../gateway/ledger/sqlite/open-sqlite-ledger.ts'
import { tokenAbi } from '../../gateway/protocol/abi.ts'
import { alice, bob, chainRef, chargeClaim, testClock } from '../ledger/fixtures.ts'
import { type Sold, sell } from '../support/sold.ts'
import { offers, type wallet } from '../support/wallet.ts'

/** Whoever is served before it has paid can take so much and no more: then it pays first, or gets nothing. */

let sold: Sold
beforeAll(async () => {
  sold = await sell([{ path: '/thing', price: '1', settle: 'after', rails: ['charge'] }], {
    override: { losses: { perPayer: '2', total: '3' } },
  })
})
afterAll(() => sold?.close())
afterEach(() => sold.upstream.forget())

/** Takes its tokens away while the upstream works, so that the transfer it signed cannot be settled. */
async function drains(payer: wallet.Wallet): Promise<number> {
  const { chain } = sold
  await chain.mint(payer.address, 1_000_000n)
  const { charge } = await offers(sold.url('/thing'))
  const headers = await payer.charge(charge)
  sold.upstream.onRequest = async () => {
    const value = await payer.balance()
    const hash = await chain.walletClient(payer.account).writeContract({
      address: chain.token,
      abi: tokenAbi,
      functionName: 'transfer',
      args: [chain.escrow, value],
    })
    await chain.publicClient.waitForTransactionReceipt({ hash })
  }
  const { status } = await fetch(sold.url('/thing'), { headers })
  sold.upstream.forget()
  // Behind the caller's back it turns out to be lost.
  await vi.waitFor(async () => expect(await sold.gateway.deps.ledger.openPayments(10)).toEqual([]))
  return status
}

const lost = async () => -(await sold.gateway.deps.ledger.balance('loss', await asset())).posted
const asset = async () => {
  const [payment] = await sold.gateway.deps.ledger.balances({ prefix: 'loss' })
  if (payment === undefined) throw new Error('nothing is lost')
  return payment.asset
}

describe('the loss budget', () => {
  test('default: a payer that drains is served twice, then pays first; the total holds for all', async () => {
    const [one, two, three] = [await sold.payer(0n), await sold.payer(0n), await sold.payer(0n)]
    expect([await drains(one), await drains(one), await drains(one)]).toEqual([200, 200, 402])
    expect(await lost()).toBe(2_000_000n)
    expect([await drains(two), await drains(two), await drains(three)]).toEqual([200, 402, 402])
    expect(await lost()).toBe(3_000_000n)

    // Honest payers are served all the same: settled before the answer leaves.
    const honest = await sold.payer(1_000_000n)
    const { charge } = await offers(sold.url('/thing'))
    const response = await fetch(sold.url('/thing'), { headers: await honest.charge(charge) })
    expect(response.status).toBe(200)
    expect(await honest.balance()).toBe(0n)
    expect(await sold.audit()).toBe('All holds.')
  })
})

describe('Ledger.claim with a budget', () => {
  const budget = (since = 0) => ({ perPayer: 20n, total: 30n, since })

  async function books(work: (all: Awaited<ReturnType<typeof opened>>) => Promise<void>) {
    const directory = await mkdtemp(join(tmpdir(), 'farthing-budget-'))
    const all = await opened(directory)
    try {
      await work(all)
    } finally {
      await all.ledger.close()
      await rm(directory, { recursive: true, force: true })
    }
  }
  async function opened(directory: string) {
    const clock = testClock()
    const ledger = await openSqliteLedger({ path: join(directory, 'ledger.sqlite'), clock })
    const claim = async (id: string, wallet = alice, since = 0) => {
      const result = await ledger.claim(chargeClaim(id, { wallet, budget: budget(since) }))
      return result.outcome === 'fresh' && result.payment.atRisk
    }
    return { ledger, clock, claim }
  }

  test('default: fifty at once: no more are at risk than fit, of one payer and of all', () =>
    books(async ({ claim }) => {
      const ids = Array.from({ length: 50 }, (_, index) => index)
      const own = await Promise.all(ids.map((id) => claim(`a${id}`)))
      expect(own.filter(Boolean)).toHaveLength(2)
      const others = await Promise.all(ids.map((id) => claim(`b${id}`, bob)))
      expect(others.filter(Boolean)).toHaveLength(1)
    }))

  test('behavior: what settles or is void makes room; what is lost does so after the window', () =>
    books(async ({ ledger, clock, claim }) => {
      expect([await claim('a'), await claim('b'), await claim('c')]).toEqual([true, true, false])
      await ledger.settling({ paymentId: 'a' })
      await ledger.complete('a')
      expect(await claim('d'), 'delivered and not settled').toBe(false)
      await ledger.settled({ paymentId: 'a', ref: chainRef(), deliver: 'delivered' })
      await ledger.void('b', 'broke')
      expect([await claim('e'), await claim('f')]).toEqual([true, true])
      for (const id of ['e', 'f']) {
        await ledger.settling({ paymentId: id })
        await ledger.complete(id)
        await ledger.lost(id, 'drained')
      }
      expect(await claim('g')).toBe(false)
      clock.advance(1_000)
      expect(await claim('h', alice, clock.now() - 1_001)).toBe(false)
      expect(await claim('i', alice, clock.now() - 1_000)).toBe(true)
      await ledger.settled({ paymentId: 'e', ref: chainRef(), deliver: 'delivered' })
      expect(await claim('j'), 'what was lost and came after all').toBe(false)
      await ledger.settled({ paymentId: 'f', ref: chainRef(), deliver: 'delivered' })
      expect(await claim('k')).toBe(true)
    }))
})
