import { encodeFunctionData, type Hex } from 'viem'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { Chain } from '../../gateway/chain/Chain.ts'
import { ChainUnavailableError } from '../../gateway/chain/ChainUnavailableError.ts'
import { tokenAbi } from '../../gateway/protocol/abi.ts'
import { createStage, must, type Stage } from '../settlement/stage.ts'
import { type LocalChain, startChain } from '../support/chain.ts'
import { type FaultyProxy, startFaultyProxy } from './faulty-proxy.ts'

let local: LocalChain
let nodes: FaultyProxy[]
let stage: Stage
beforeAll(async () => {
  local = await startChain({ accounts: 2 })
})
afterAll(() => local.close())
beforeEach(async () => {
  nodes = await Promise.all([1, 2, 3].map(() => startFaultyProxy(local.rpcUrl)))
})
afterEach(async () => {
  await stage.close()
  await Promise.all(nodes.map((node) => node.close()))
})

const mint = (amount: bigint): Chain.Order => ({
  kind: 'charge',
  subjects: ['pay_test'],
  to: local.token,
  data: encodeFunctionData({ abi: tokenAbi, functionName: 'mint', args: [stage.chain.payee, amount] }),
})
const node = (number: number) => must(nodes[number - 1])
const reported = (event: string) => stage.reports.filter((report) => report.event === event)
const over = async (count: number, above?: bigint) => {
  const agreementAbove = above === undefined ? {} : { agreementAbove: new Map([[local.token, above]]) }
  const rpcUrl = nodes.slice(0, count).map(({ url }) => url)
  stage = await createStage(local, { rpcUrl, timeoutMs: 1_000, chain: agreementAbove })
}

describe('failover', () => {
  test('default: one node that is down costs nothing, and is asked last until it has rested', async () => {
    await over(2)
    node(1).down = true
    expect((await stage.chain.head()).number).toBeGreaterThan(0n)
    const asked = node(1).seen.length
    expect(await stage.chain.submit(mint(3n))).toMatchObject({ status: 'succeeded' })
    // The broadcast goes to all; every question went to the other.
    expect(node(1).seen.slice(asked)).toEqual(['eth_sendRawTransaction'])
    expect(reported('rpc-node-silent')).toMatchObject([{ details: { node: 1 } }])
    node(1).down = false
    stage.time.now += 120_000
    await stage.chain.head()
    expect(reported('rpc-node-answers')).toMatchObject([{ details: { node: 1 } }])
  })

  test('behavior: a revert is the chain’s answer, and no other node is asked', async () => {
    await over(2)
    const order = { kind: 'settle' as const, subjects: [], to: local.escrow, data: '0x12345678' as Hex }
    expect(await stage.chain.submit(order)).toMatchObject({ status: 'rejected' })
    expect(node(2).seen).toEqual([])
  })

  test('behavior: a transaction reaches the chain by any node that is up', async () => {
    await over(3)
    node(1).refuse.add('eth_sendRawTransaction')
    node(2).refuse.add('eth_sendRawTransaction')
    expect(await stage.chain.submit(mint(3n))).toMatchObject({ status: 'succeeded' })
    expect(await stage.held()).toBe(3n)
  })

  test('behavior: a node that falls behind is asked after the others', async () => {
    await over(2)
    await local.mine(10)
    node(1).answers.set('eth_blockNumber', '0x1')
    await stage.chain.tend()
    expect(reported('rpc-node-behind')).toMatchObject([{ details: { node: 1 } }])
    const asked = node(1).seen.length
    await stage.chain.head()
    expect(node(1).seen).toHaveLength(asked)
  })

  test('error: every node down is told as such', async () => {
    await over(2)
    for (const one of nodes) one.down = true
    await expect(stage.chain.head()).rejects.toBeInstanceOf(ChainUnavailableError)
  })
})

describe('Chain.assertReady with several nodes', () => {
  test('error: a node of another chain is refused by its number', async () => {
    await over(2)
    node(2).answers.set('eth_chainId', '0x1')
    await expect(stage.chain.assertReady()).rejects.toThrow(/endpoint number 2 is of chain 1;/)
  })

  test('behavior: a node that is down at start counts only once it has said of which chain it is', async () => {
    await over(2)
    node(2).down = true
    await stage.chain.assertReady()
    node(2).down = false
    node(2).answers.set('eth_chainId', '0x1')
    node(1).down = true
    await expect(stage.chain.head()).rejects.toBeInstanceOf(ChainUnavailableError)
    expect(node(2).seen.filter((method) => method !== 'eth_chainId')).toEqual([])
    node(2).answers.clear()
    expect((await stage.chain.head()).number).toBeGreaterThan(0n)
  })
})

describe('agreement of two', () => {
  /** Node 1 says that this transfer happened, in a transaction of ours that moved nothing. */
  async function lie(amount: bigint): Promise<Hex> {
    const hash = await stage.write(must(local.accounts[1]), {
      address: local.token,
      abi: tokenAbi,
      functionName: 'mint',
      args: [stage.chain.payee, amount],
    })
    const real = await ask<{ transactionHash: Hex; logs: unknown[] }>(
      local.rpcUrl,
      'eth_getTransactionReceipt',
      [hash],
    )
    const text = JSON.stringify(real).replaceAll(amount.toString(16).padStart(64, '0'), 'f'.repeat(64))
    node(1).answers.set('eth_getTransactionReceipt', JSON.parse(text))
    return hash
  }
  const received = (mined: Chain.Mined | null) => BigInt(must(must(mined).logs[0]).data)

  test('default: of three nodes the one that lies about a large credit is outvoted, with an alarm', async () => {
    await over(3, 100n)
    const hash = await lie(7n)
    expect(received(await stage.chain.receipt(hash))).toBe(7n)
    await expect.poll(() => reported('rpc-nodes-disagree')).toMatchObject([{ level: 'error' }])
  })

  test('error: of two nodes nobody can tell which lies: nothing is known', async () => {
    await over(2, 100n)
    const hash = await lie(7n)
    await expect(stage.chain.receipt(hash)).rejects.toBeInstanceOf(ChainUnavailableError)
    node(1).answers.clear()
    expect(received(await stage.chain.receipt(hash))).toBe(7n)
  })

  test('behavior: what is small is as one node says, and the other is not asked', async () => {
    await over(2, 100n)
    const hash = await stage.write(must(local.accounts[1]), {
      address: local.token,
      abi: tokenAbi,
      functionName: 'mint',
      args: [stage.chain.payee, 100n],
    })
    expect(received(await stage.chain.receipt(hash))).toBe(100n)
    expect(node(2).seen).toEqual([])
  })

  test('behavior: a large charge stays unknown while the second node is down, and settles when it is back', async () => {
    await over(2, 100n)
    const payer = await stage.payer()
    const { payment } = await stage.charge(payer, 5_000n)
    node(2).down = true
    expect(await stage.desk.settle(payment)).toMatchObject({ status: 'unknown' })
    await stage.ledger.unknown(payment.id, 'not agreed')
    await stage.resolver.tick()
    expect(must(await stage.ledger.payment({ id: payment.id })).money).toBe('unknown')
    node(2).down = false
    await stage.resolver.tick()
    await stage.resolver.tick()
    expect(must(await stage.ledger.payment({ id: payment.id })).money).toBe('credited')
    expect(await stage.ledger.intentsFor(payment.id)).toHaveLength(1)
  })

  test('behavior: a small charge needs no second node', async () => {
    await over(2, 100n)
    const payer = await stage.payer()
    const { payment } = await stage.charge(payer, 50n)
    node(2).down = true
    expect(await stage.desk.settle(payment)).toMatchObject({ status: 'settled' })
  })

  test('behavior: a large deposit is booked only when two nodes show it', async () => {
    await over(2, 1_000n)
    const payer = await stage.payer()
    const { id, hash } = await stage.open(payer, 1_001n)
    node(2).down = true
    await expect(stage.book.follow(hash, id)).rejects.toBeInstanceOf(ChainUnavailableError)
    await expect(stage.watcher.poll()).rejects.toBeInstanceOf(ChainUnavailableError)
    expect(await stage.ledger.channel(id)).toBeNull()
    node(2).down = false
    expect(await stage.book.follow(hash, id)).toBe('booked')
    expect(await stage.ledger.channel(id)).toMatchObject({ deposit: 1_001n })
  })

  test('error: a node that claims a depth alone is not believed', async () => {
    await over(2, 100n)
    const head = (await stage.chain.head()).number
    const block = await ask<object>(local.rpcUrl, 'eth_getBlockByNumber', ['latest', false])
    node(1).answers.set('eth_getBlockByNumber', { ...block, number: '0xffffff' })
    expect((await stage.chain.head()).number).toBe(head)
  })
})

async function ask<Result>(url: string, method: string, params: readonly unknown[]): Promise<Result> {
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method, params })
  const answer = await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body })
  return ((await answer.json()) as { result: Result }).result
}
