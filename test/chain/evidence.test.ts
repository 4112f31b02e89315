import type { Hex } from 'viem'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { ChainUnavailableError } from '../../gateway/chain/ChainUnavailableError.ts'
import { tokenAbi } from '../../gateway/protocol/abi.ts'
import { createStage, must, type Stage } from '../settlement/stage.ts'
import { type LocalChain, startChain } from '../support/chain.ts'
import { type FaultyProxy, startFaultyProxy } from './faulty-proxy.ts'

/** Node 1 lies about what can't be taken back. Of two nodes nothing is decided then; of three it is outvoted. */

let local: LocalChain
let stage: Stage
let nodes: FaultyProxy[] = []
beforeAll(async () => {
  local = await startChain()
})
afterAll(() => local.close())
beforeEach(async () => {
  nodes = await Promise.all([1, 2, 3].map(() => startFaultyProxy(local.rpcUrl)))
})
afterEach(async () => {
  await stage.close()
  for (const one of nodes) await one.close()
})
const liar = () => must(nodes[0])
const over = async (count: number) => {
  const rpcUrl = nodes.slice(0, count).map(({ url }) => url)
  const agreementAbove = new Map([[local.token, 100n]])
  stage = await createStage(local, { rpcUrl, timeoutMs: 700, chain: { agreementAbove } })
}
const money = async (id: string) => must(await stage.ledger.payment({ id })).money
const word = (value: bigint) => value.toString(16).padStart(64, '0')

describe('a payment that moved', () => {
  /** Somebody else sent it, and its outcome is unknown to us. */
  async function movedElsewhere() {
    const payer = await stage.payer()
    const { payment, order } = await stage.charge(payer, 5_000n)
    const { from, to, value, validAfter, validBefore, nonce } = order.message
    const args = [from, to, value, validAfter, validBefore, nonce, order.signature]
    await stage.write(must(local.accounts[1]), {
      address: local.token,
      abi: tokenAbi,
      functionName: 'transferWithAuthorization',
      args,
    })
    await stage.ledger.settling({ paymentId: payment.id })
    await stage.ledger.unknown(payment.id, 'no answer')
    return payment.id
  }
  /** It says that the authorization was never used, and that it has expired. */
  function sayNever() {
    liar().bends.set('eth_call', (result) => (result === `0x${word(1n)}` ? `0x${word(0n)}` : result))
    liar().bends.set('eth_getBlockByNumber', (result) => ({
      ...(result as object),
      timestamp: '0xffffffffff',
    }))
  }

  test('error: is not made void because one of two nodes says that it never can', async () => {
    await over(2)
    const id = await movedElsewhere()
    sayNever()
    await stage.resolver.tick()
    expect(await money(id)).toBe('unknown')
    liar().bends.clear()
    await stage.resolver.tick()
    expect(await money(id)).toBe('credited')
  })

  test('behavior: of three nodes the liar is outvoted', async () => {
    await over(3)
    const id = await movedElsewhere()
    sayNever()
    await stage.resolver.tick()
    expect(await money(id)).toBe('credited')
  })

  test('error: is not refused because one node says that its transaction was reverted', async () => {
    await over(2)
    const { payment } = await stage.charge(await stage.payer(), 5_000n)
    liar().bends.set(
      'eth_getTransactionReceipt',
      (result) => result && { ...(result as object), status: '0x0', logs: [] },
    )
    expect(await stage.desk.settle(payment)).toMatchObject({ status: 'unknown' })
    expect(await stage.ledger.openIntents()).toHaveLength(1)
    liar().bends.clear()
    await stage.ledger.unknown(payment.id, 'not agreed')
    await stage.resolver.tick()
    await stage.resolver.tick()
    expect(await money(payment.id)).toBe('credited')
  })

  test('error: is not refused because one node says that the balance did not rise', async () => {
    await over(2)
    const { payment } = await stage.charge(await stage.payer(), 5_000n)
    liar().bends.set('eth_call', (result, [, at]) =>
      at !== 'latest' && result === `0x${word(5_000n)}` ? `0x${word(0n)}` : result,
    )
    expect(await stage.desk.settle(payment)).toMatchObject({ status: 'unknown' })
  })
})

describe('a transaction of ours', () => {
  test('error: is not given up because one node hides it and says that its nonce was used by another', async () => {
    await over(2)
    const { payment } = await stage.charge(await stage.payer(), 5_000n)
    await local.testClient.setAutomine(false)
    expect(await stage.desk.settle(payment)).toMatchObject({ status: 'unknown' })
    const intent = must((await stage.ledger.openIntents())[0])
    liar().answers.set('eth_getTransactionReceipt', null)
    liar().answers.set('eth_getTransactionByHash', null)
    liar().answers.set('eth_getTransactionCount', '0xff')
    const fate = await stage.chain.follow(intent).catch((error: unknown) => error)
    expect(fate).toBeInstanceOf(ChainUnavailableError)
    liar().answers.clear()
    await local.testClient.setAutomine(true)
    await local.mine(1)
    expect(await stage.chain.follow(intent)).toMatchObject({ status: 'succeeded' })
  })
})

describe('a channel', () => {
  const place = { transaction: `0x${'7e'.repeat(32)}` as Hex, logIndex: 0, block: 1n }
  async function open() {
    const payer = await stage.payer()
    const { id } = await stage.open(payer, 5_000n)
    await stage.watcher.poll()
    await stage.spend(payer, id, 400n, 400n)
    const parties = { channelId: id, payee: stage.chain.payee, ...place }
    return { id, payer: payer.address, parties }
  }

  test('error: is not closed because one node shows that it is', async () => {
    await over(2)
    const { id, parties } = await open()
    // getChannel, with its last word set: finalized.
    liar().bends.set('eth_call', (result) => `${String(result).slice(0, -1)}1`)
    const event = { ...parties, name: 'closed', settled: 0n, refunded: 5_000n } as const
    await expect(stage.book.applyEvents([event], { inOrder: true })).rejects.toBeInstanceOf(
      ChainUnavailableError,
    )
    expect(await stage.ledger.channel(id)).toMatchObject({ finalized: false })
  })

  test('error: is not settled because one node shows that it is; a small one is as one node says', async () => {
    await over(2)
    const { id, payer, parties } = await open()
    const event = { ...parties, name: 'settled', payer, delta: 400n, cumulative: 400n } as const
    await expect(stage.book.applyEvents([event], { inOrder: true })).rejects.toBeInstanceOf(
      ChainUnavailableError,
    )
    expect(await stage.ledger.channel(id)).toMatchObject({ settled: 0n })
    await stage.book.applyEvents([{ ...event, delta: 100n, cumulative: 100n }], { inOrder: true })
    expect(await stage.ledger.channel(id)).toMatchObject({ settled: 100n })
  })
})

describe('Chain.evidence', () => {
  test('default: what is small is as one node says, and the other is not asked', async () => {
    await over(2)
    const ask = stage.chain.evidence(local.token, 100n)
    expect(ask.isAgreed).toBe(false)
    await ask.balanceOf(local.token, stage.chain.payee)
    expect(must(nodes[1]).seen).toEqual([])
  })

  test('behavior: now is the newest block that two nodes have, so that none of them is ahead', async () => {
    await over(2)
    const ask = stage.chain.evidence(local.token, 101n)
    await local.mine(1)
    expect(await ask.balanceOf(local.token, stage.chain.payee)).toBe(0n)
    expect(await ask.sent(stage.chain.payee)).toBe(0)
    expect(await ask.channel(`0x${'11'.repeat(32)}`)).toBeNull()
    expect(stage.reports.filter(({ event }) => event === 'rpc-nodes-disagree')).toEqual([])
  })

  test('error: without a second node nothing large is decided', async () => {
    await over(2)
    must(nodes[1]).down = true
    const ask = stage.chain.evidence(local.token, 101n)
    await expect(ask.receipt(`0x${'11'.repeat(32)}`)).rejects.toBeInstanceOf(ChainUnavailableError)
  })
})
