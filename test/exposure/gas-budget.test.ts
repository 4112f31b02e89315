import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { ConfigInput } from '../../gateway/config/define-config.ts'
import { judgeRelay } from '../../gateway/ledger/rules/judge-relay.ts'
import * as GasBudget from '../../gateway/policy/gas-budget.ts'
import { type LocalChain, startChain } from '../support/chain.ts'
import { startGateway } from '../support/gateway.ts'
import { type Sold, sell } from '../support/sold.ts'
import { offers, type wallet } from '../support/wallet.ts'

const price = 10_000n
const budgets = { perPayer: 3, newcomers: 8, total: 12, windowSeconds: 3_600 }
const override: Partial<ConfigInput> = { gasBudgets: budgets }
let chain: LocalChain
let sold: Sold
beforeAll(async () => {
  chain = await startChain({ accounts: 40 })
  sold = await sell([{ path: '/call', price: '0.01', rails: ['channel'] }], { chain, override })
})
afterAll(async () => {
  await sold?.close()
  await chain?.close()
})

const open = async (payer: wallet.Wallet, url = sold.url('/call')) => {
  const { session } = await offers(url)
  return fetch(url, { headers: await payer.channel().open(session, price) })
}
const relayed = async () =>
  chain.publicClient.getTransactionCount({ address: chain.accounts[1]?.address ?? '0x' })

describe('relayed deposits', () => {
  test('default: a thousand tiny opens stop at the budget, before any gas; other payers are not affected', async () => {
    const greedy = await sold.payer(1_000_000_000n)
    const before = await relayed()
    const answers = await Promise.all(Array.from({ length: 60 }, () => open(greedy)))
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(budgets.perPayer)
    const [refused] = answers.filter(({ status }) => status === 429)
    expect(Number(refused?.headers.get('retry-after'))).toBeGreaterThan(3_500)
    expect(await refused?.json()).toMatchObject({
      code: 'gas-budget-spent',
      scope: 'payer',
      alternative: 'hash',
    })
    expect(await relayed()).toBe(before + budgets.perPayer)
    expect((await open(await sold.payer())).status).toBe(200)
  })

  test('behavior: the alternative works: a transaction of its own, named by its hash', async () => {
    const payer = await sold.payer(1_000_000_000n)
    for (let opens = 0; opens < budgets.perPayer; opens += 1) expect((await open(payer)).status).toBe(200)
    expect((await open(payer)).status).toBe(429)
    const channel = payer.channel()
    const hash = await channel.openOnchain()
    const { session } = await offers(sold.url('/call'))
    const signature = await channel.sign(price)
    const said = {
      action: 'open',
      type: 'hash',
      hash,
      salt: channel.salt,
      cumulativeAmount: String(price),
      signature,
    }
    expect((await fetch(sold.url('/call'), { headers: channel.said(session, said) })).status).toBe(200)
  })

  test('behavior: what was never sent does not count', async () => {
    const payer = await sold.payer(0n)
    for (let opens = 0; opens < budgets.perPayer + 2; opens += 1) {
      const refused = await open(payer)
      expect(refused.status).not.toBe(429)
      expect(refused.status).not.toBe(200)
    }
    await chain.mint(payer.address, 10_000_000n)
    expect((await open(payer)).status).toBe(200)
  })

  test('behavior: it survives a restart, and many wallets share what newcomers get', async () => {
    const own = await startChain({ accounts: 20 })
    const first = await sell([{ path: '/call', price: '0.01', rails: ['channel'] }], {
      chain: own,
      override: { gasBudgets: { ...budgets, perPayer: 1, newcomers: 2, total: 4 } },
    })
    let stopped = false
    try {
      const payers = [await first.payer(), await first.payer(), await first.payer()] as const
      expect((await open(payers[0], first.url('/call'))).status).toBe(200)
      // It has bought something now: it is no newcomer, and has its own budget only.
      expect((await open(payers[0], first.url('/call'))).status).toBe(429)
      expect((await open(payers[1], first.url('/call'))).status).toBe(200)
      const full = await open(payers[2], first.url('/call'))
      expect(await full.json()).toMatchObject({ code: 'gas-budget-spent', scope: 'newcomers' })
      await first.gateway.stop()
      stopped = true
      const again = await startGateway({
        chain: own,
        directory: first.gateway.directory,
        routes: [{ path: '/call', price: '0.01', rails: ['channel'], upstream: first.upstream.url }],
        override: { gasBudgets: { ...budgets, perPayer: 1, newcomers: 2, total: 4 } },
      })
      try {
        expect((await open(payers[0], `${again.url}/call`)).status).toBe(429)
        expect((await open(payers[2], `${again.url}/call`)).status).toBe(429)
      } finally {
        await again.end()
      }
    } finally {
      if (stopped) await first.upstream.close()
      else await first.close()
      await own.close()
    }
  })

  test('behavior: a hundred at once through two ledgers on one file get no more than there is room for', async () => {
    const { relays } = sold.gateway.deps.ledger
    const payer = `0x${'77'.repeat(20)}` as const
    const limits = { payer: 5, newcomers: 1_000, total: 1_000 }
    const taken = await Promise.all(
      Array.from({ length: 100 }, () => relays.take({ payer, limits, since: 0, now: 1_000 })),
    )
    expect(taken.filter(({ outcome }) => outcome === 'granted')).toHaveLength(5)
    expect(await relays.take({ payer, limits, since: 1_000, now: 2_000 })).toMatchObject({
      outcome: 'granted',
    })
  })
})

describe('rules', () => {
  test('default: the count that frees up last is named', () => {
    expect(judgeRelay({ payer: null, newcomers: null, total: null })).toBeNull()
    expect(judgeRelay({ payer: 5, newcomers: null, total: 9 })).toEqual({ scope: 'total', since: 9 })
  })

  test('default: waits until the transaction has left the window', () => {
    const budget = { ...budgets, gasPerTransaction: 1 }
    expect(GasBudget.secondsUntilFree(budget, { since: 10_000 }, 10_000)).toBe(3_600)
    expect(GasBudget.secondsUntilFree(budget, { since: 10_000 }, 3_609_999)).toBe(1)
    expect(GasBudget.secondsUntilFree(budget, { since: 10_000 }, 9_999_999)).toBe(1)
  })
})
