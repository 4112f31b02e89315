import { encodeFunctionData, type Hex, keccak256 } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import type { Chain } from '../../gateway/chain/Chain.ts'
import { ChainUnavailableError } from '../../gateway/chain/ChainUnavailableError.ts'
import * as EscrowCalls from '../../gateway/chain/EscrowCalls.ts'
import * as TokenCalls from '../../gateway/chain/TokenCalls.ts'
import { tokenAbi } from '../../gateway/protocol/abi.ts'
import { createStage, must, type Stage } from '../settlement/stage.ts'
import { type LocalChain, startChain } from '../support/chain.ts'
import { type FaultyProxy, startFaultyProxy } from './faulty-proxy.ts'

let local: LocalChain
let proxy: FaultyProxy
let stage: Stage
beforeAll(async () => {
  local = await startChain({ accounts: 2 })
})
afterAll(() => local.close())
beforeEach(async () => {
  proxy = await startFaultyProxy(local.rpcUrl)
  stage = await createStage(local, { rpcUrl: proxy.url, timeoutMs: 5_000 })
})
afterEach(async () => {
  await local.testClient.setAutomine(true)
  await stage.close()
  await proxy.close()
})

const mint = (amount: bigint, subject = 'pay_test'): Chain.Order => ({
  kind: 'charge',
  subjects: [subject],
  to: local.token,
  data: encodeFunctionData({ abi: tokenAbi, functionName: 'mint', args: [stage.chain.payee, amount] }),
})
const count = () => local.publicClient.getTransactionCount({ address: stage.chain.payee })
const broadcasts = () => proxy.seen.filter((method) => method === 'eth_sendRawTransaction').length

describe('Chain.submit', () => {
  test('default: resolves with the mined logs, and its intent has ended', async () => {
    const outcome = await stage.chain.submit(mint(5n))
    expect(outcome).toMatchObject({ status: 'succeeded', mined: { depth: 1, status: 'succeeded' } })
    const [intent] = await stage.ledger.intentsFor('pay_test')
    expect(intent).toMatchObject({ state: 'succeeded', nonce: 0, kind: 'charge' })
    expect(await stage.ledger.openIntents()).toEqual([])
    expect(await stage.held()).toBe(5n)
  })

  test('behavior: 50 at once take 50 nonces in a row and all succeed', async () => {
    const outcomes = await Promise.all(Array.from({ length: 50 }, () => stage.chain.submit(mint(1n))))
    expect(new Set(outcomes.map(({ status }) => status))).toEqual(new Set(['succeeded']))
    expect(await stage.held()).toBe(50n)
    const nonces = (await stage.ledger.intentsFor('pay_test')).map(({ nonce }) => nonce)
    expect(nonces.sort((a, b) => a - b)).toEqual(Array.from({ length: 50 }, (_, index) => index))
  })

  test('behavior: waiting for one transaction does not keep the next from being sent', async () => {
    await local.testClient.setAutomine(false)
    const both = Promise.all([
      stage.chain.submit(mint(1n, 'pay_one')),
      stage.chain.submit(mint(2n, 'pay_two')),
    ])
    await vi.waitFor(async () => expect((await stage.ledger.openIntents()).length).toBe(2))
    await vi.waitFor(() => expect(broadcasts()).toBe(2))
    await local.mine(1)
    expect((await both).map(({ status }) => status)).toEqual(['succeeded', 'succeeded'])
  })

  test('behavior: succeeds only at the configured depth', async () => {
    const { key, folder } = stage
    const deep = await createStage(local, { confirmations: 3, key, folder, rpcUrl: proxy.url })
    let outcome: Chain.Outcome | null = null
    const waiting = deep.chain.submit(mint(1n)).then((result) => {
      outcome = result
    })
    await vi.waitFor(async () => expect(await count()).toBe(1))
    for (const depth of [1, 2]) {
      // It has asked, more than once, and is not content.
      const asked = proxy.seen.length
      await vi.waitFor(() =>
        expect(
          proxy.seen.slice(asked).filter((method) => method === 'eth_getTransactionReceipt').length,
        ).toBeGreaterThan(2),
      )
      expect([depth, outcome]).toEqual([depth, null])
      await local.mine(1)
    }
    await waiting
    expect(outcome).toMatchObject({ status: 'succeeded', mined: { depth: 3 } })
    await deep.close(false)
  })

  test('error: what would be reverted is rejected with a stable code, and nothing is recorded or sent', async () => {
    const data = EscrowCalls.settle({ channelId: `0x${'12'.repeat(32)}`, cumulative: 1n, signature: '0x' })
    const order: Chain.Order = { kind: 'settle', subjects: ['0x12'], to: local.escrow, data }
    expect(await stage.chain.submit(order)).toEqual({ status: 'rejected', reason: 'channel-not-found' })
    expect(await stage.ledger.intentsFor('0x12')).toEqual([])
    expect(broadcasts()).toBe(0)
  })

  test('error: reverted on chain is told with its reason, and the next nonce follows', async () => {
    const payer = await stage.payer()
    const { order } = await stage.charge(payer, 10n)
    const data = TokenCalls.transferWithAuthorization(order.message, order.signature)
    // It passes simulation; then somebody pays more gas and is mined before it, in the same block.
    await local.testClient.setAutomine(false)
    const waiting = stage.chain.submit({ kind: 'charge', subjects: ['pay_front'], to: local.token, data })
    await vi.waitFor(() => expect(broadcasts()).toBe(1))
    const price = { maxFeePerGas: 10n ** 11n, maxPriorityFeePerGas: 10n ** 10n, gas: 200_000n }
    await local.walletClient(payer).sendTransaction({ to: local.token, data, ...price })
    await local.mine(1)
    expect(await waiting).toMatchObject({ status: 'reverted', reason: 'authorization-used' })
    await local.testClient.setAutomine(true)
    expect(await stage.chain.submit(mint(1n))).toMatchObject({ status: 'succeeded' })
    expect(await stage.ledger.intentsFor('pay_front')).toMatchObject([
      { state: 'reverted', reason: 'authorization-used', nonce: 0 },
    ])
  })

  test('error: a payee without gas is told so, and nothing is sent', async () => {
    await local.testClient.setBalance({ address: stage.chain.payee, value: 0n })
    expect(await stage.chain.submit(mint(1n))).toEqual({
      status: 'rejected',
      reason: 'insufficient-gas-funds',
    })
    expect(await stage.ledger.openIntents()).toEqual([])
    await local.testClient.setBalance({ address: stage.chain.payee, value: 10n ** 20n })
    expect(await stage.chain.submit(mint(1n))).toMatchObject({ status: 'succeeded' })
  })

  test('error: a node that does not answer before anything was sent throws, and no nonce is lost', async () => {
    proxy.down = true
    await expect(stage.chain.submit(mint(1n))).rejects.toBeInstanceOf(ChainUnavailableError)
    proxy.down = false
    await stage.chain.submit(mint(1n))
    expect(await stage.ledger.intentsFor('pay_test')).toMatchObject([{ nonce: 0, state: 'succeeded' }])
  })

  test('behavior: the answer to the broadcast is lost: it is followed, and never sent with another nonce', async () => {
    proxy.dropAnswersTo.add('eth_sendRawTransaction')
    expect(await stage.chain.submit(mint(9n))).toMatchObject({ status: 'succeeded' })
    expect(await stage.held()).toBe(9n)
    expect(await count()).toBe(1)
    expect(await stage.ledger.intentsFor('pay_test')).toHaveLength(1)
  })

  test('behavior: the broadcast never arrives: the same bytes are broadcast again', async () => {
    proxy.refuse.add('eth_sendRawTransaction')
    const waiting = stage.chain.submit(mint(9n))
    await vi.waitFor(() => expect(broadcasts()).toBeGreaterThan(0))
    proxy.refuse.clear()
    expect(await waiting).toMatchObject({ status: 'succeeded' })
    expect(await stage.held()).toBe(9n)
    expect(await stage.ledger.intentsFor('pay_test')).toHaveLength(1)
  })

  test('behavior: the node accepts it and forgets it: the same bytes are broadcast again', async () => {
    proxy.answers.set('eth_sendRawTransaction', `0x${'ab'.repeat(32)}`)
    const waiting = stage.chain.submit(mint(9n))
    await vi.waitFor(async () => expect((await stage.ledger.openIntents())[0]?.state).toBe('sent'))
    proxy.answers.clear()
    expect(await waiting).toMatchObject({ status: 'succeeded' })
    expect(await stage.held()).toBe(9n)
    expect(await stage.ledger.intentsFor('pay_test')).toHaveLength(1)
  })

  test('behavior: a nonce used behind our back is noticed and another one taken', async () => {
    expect(await stage.chain.submit(mint(1n))).toMatchObject({ status: 'succeeded' })
    await stage.write(privateKeyToAccount(stage.key), {
      address: local.token,
      abi: tokenAbi,
      functionName: 'mint',
      args: [stage.chain.payee, 10n],
    })
    expect(await stage.chain.submit(mint(100n))).toMatchObject({ status: 'succeeded' })
    expect(await stage.held()).toBe(111n)
    const states = (await stage.ledger.intentsFor('pay_test')).map(({ state, nonce }) => [nonce, state])
    expect(states).toEqual(
      expect.arrayContaining([
        [0, 'succeeded'],
        [1, 'dropped'],
        [2, 'succeeded'],
      ]),
    )
  })
})

describe('Chain.recover', () => {
  /** Signs and records as the sender does, and dies before the broadcast. */
  async function dieBeforeBroadcast(nonce: number, amount: bigint, subject = 'pay_dead'): Promise<Hex> {
    const { data, to } = mint(amount)
    const raw = await privateKeyToAccount(stage.key).signTransaction({
      chainId: local.chainId,
      type: 'eip1559',
      nonce,
      to,
      data,
      gas: 100_000n,
      maxFeePerGas: 10n ** 10n,
      maxPriorityFeePerGas: 10n ** 9n,
    })
    const { intent } = {
      intent: await stage.ledger.intend({
        id: `int_${nonce}`,
        chainId: local.chainId,
        kind: 'charge',
        subjects: [subject],
        from: stage.chain.payee,
        nonce,
        raw,
        hash: keccak256(raw),
        now: stage.time.now,
      }),
    }
    return intent.hash
  }

  test('default: killed between intent and broadcast: exactly that transaction is sent, once', async () => {
    const hash = await dieBeforeBroadcast(0, 7n)
    await stage.chain.recover()
    await stage.chain.recover()
    await vi.waitFor(async () => expect(await stage.chain.receipt(hash)).not.toBeNull())
    await stage.resolver.tick()
    expect(await stage.held()).toBe(7n)
    expect(await count()).toBe(1)
    expect(await stage.ledger.intentsFor('pay_dead')).toMatchObject([{ state: 'succeeded' }])
  })

  test('behavior: killed after the broadcast: nothing is sent again, and its end is recorded', async () => {
    const hash = await dieBeforeBroadcast(0, 7n)
    const [intent] = await stage.ledger.openIntents()
    await local.publicClient.sendRawTransaction({ serializedTransaction: must(intent).raw })
    const before = broadcasts()
    await stage.chain.recover()
    expect(broadcasts()).toBe(before)
    expect(await stage.ledger.intentsFor('pay_dead')).toMatchObject([{ hash, state: 'succeeded' }])
  })

  test('behavior: several left behind are sent in the order of their nonces, and new ones come after', async () => {
    await dieBeforeBroadcast(0, 1n)
    await dieBeforeBroadcast(1, 2n, 'pay_second')
    await dieBeforeBroadcast(2, 4n, 'pay_third')
    await stage.chain.recover()
    expect(await stage.chain.submit(mint(8n))).toMatchObject({ status: 'succeeded' })
    await stage.resolver.tick()
    expect(await stage.held()).toBe(15n)
    expect(await count()).toBe(4)
  })

  test('behavior: a gap in the nonces left behind is filled by a transaction that moves nothing', async () => {
    await dieBeforeBroadcast(2, 2n)
    await stage.chain.recover()
    const repairs = (await stage.ledger.openIntents()).filter(({ kind }) => kind === 'repair')
    expect(repairs.map(({ nonce }) => nonce).sort()).toEqual([0, 1])
    expect(await count()).toBe(3)
    expect(await stage.chain.submit(mint(1n))).toMatchObject({ status: 'succeeded' })
    await stage.resolver.tick()
    expect(await stage.held()).toBe(3n)
    await stage.resolver.tick()
    expect(await stage.ledger.openIntents()).toEqual([])
  })

  test('behavior: a node that is behind gives no used nonce, and nothing takes the place of what was mined', async () => {
    expect(await stage.chain.submit(mint(1n))).toMatchObject({ status: 'succeeded' })
    expect(await stage.chain.submit(mint(2n))).toMatchObject({ status: 'succeeded' })
    const { key, folder } = stage
    const restarted = await createStage(local, { key, folder, rpcUrl: proxy.url, timeoutMs: 200 })
    proxy.answers.set('eth_getTransactionCount', '0x0')
    await restarted.chain.recover()
    expect(await restarted.chain.submit(mint(4n))).toMatchObject({ status: 'succeeded' })
    const nonces = (await stage.ledger.intentsFor('pay_test')).map(({ nonce, state }) => [nonce, state])
    expect(nonces.sort()).toEqual([
      [0, 'succeeded'],
      [1, 'succeeded'],
      [2, 'succeeded'],
    ])
    await dieBeforeBroadcast(3, 8n)
    await restarted.chain.tend()
    expect((await stage.ledger.openIntents()).filter(({ kind }) => kind === 'repair')).toEqual([])
    await restarted.close(false)
  })

  test('behavior: one whose nonce went to another transaction for good is dropped', async () => {
    await dieBeforeBroadcast(0, 7n)
    await stage.write(privateKeyToAccount(stage.key), {
      address: local.token,
      abi: tokenAbi,
      functionName: 'mint',
      args: [stage.chain.payee, 10n],
    })
    await stage.chain.recover()
    expect(await stage.ledger.intentsFor('pay_dead')).toMatchObject([
      { state: 'dropped', reason: 'nonce-used-by-another' },
    ])
    expect(await stage.held()).toBe(10n)
  })
})
