import { encodeFunctionData } from 'viem'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import type { Chain } from '../../gateway/chain/Chain.ts'
import * as SignedTransaction from '../../gateway/chain/SignedTransaction.ts'
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
  stage = await createStage(local, { rpcUrl: proxy.url, timeoutMs: 20_000 })
  await local.testClient.setAutomine(false)
})
afterEach(async () => {
  await local.testClient.setAutomine(true)
  await local.mine(1)
  await stage.close()
  await proxy.close()
})

const mint = (amount: bigint): Chain.Order => ({
  kind: 'charge',
  subjects: ['pay_test'],
  to: local.token,
  data: encodeFunctionData({ abi: tokenAbi, functionName: 'mint', args: [stage.chain.payee, amount] }),
})
const onlyIntent = async () => must((await stage.ledger.intentsFor('pay_test'))[0])
const broadcasts = () => proxy.seen.filter((method) => method === 'eth_sendRawTransaction').length
const reported = (event: string) => stage.reports.filter((report) => report.event === event)

/** Submits, and resolves when a node has it and it can no longer be mined for its fee. */
async function getStuck(amount: bigint): Promise<{ promise: Promise<Chain.Outcome> }> {
  const promise = stage.chain.submit(mint(amount))
  await vi.waitFor(async () => expect((await onlyIntent()).state).toBe('sent'))
  const { fees } = must(SignedTransaction.parse((await onlyIntent()).raw))
  if (fees.type !== 'eip1559') throw new Error('unreachable')
  await local.testClient.setNextBlockBaseFeePerGas({ baseFeePerGas: fees.maxFeePerGas + 1n })
  await local.mine(1)
  return { promise }
}

describe('Chain.tend', () => {
  test('default: a transaction whose fee became too low is replaced under its nonce, and the intent ends once', async () => {
    const stuck = await getStuck(9n)
    const before = await onlyIntent()
    await stage.chain.tend()
    expect(await stage.ledger.attempts(before.id)).toHaveLength(1)
    stage.time.now += 121_000
    await stage.chain.tend()
    const attempts = await stage.ledger.attempts(before.id)
    expect(attempts.map(({ hash }) => hash)).toEqual([before.hash, (await onlyIntent()).hash])
    await local.mine(1)
    expect(await stuck.promise).toMatchObject({
      status: 'succeeded',
      mined: { hash: must(attempts[1]).hash },
    })
    expect(await stage.held()).toBe(9n)
    expect(await local.publicClient.getTransactionCount({ address: stage.chain.payee })).toBe(1)
    expect(await onlyIntent()).toMatchObject({ state: 'succeeded', hash: must(attempts[1]).hash })
  })

  test('behavior: whichever attempt is mined ends the intent', async () => {
    const waiting = stage.chain.submit(mint(4n))
    await vi.waitFor(async () => expect((await onlyIntent()).state).toBe('sent'))
    const first = await onlyIntent()
    // The replacement is recorded and reaches nobody.
    proxy.refuse.add('eth_sendRawTransaction')
    stage.time.now += 121_000
    await stage.chain.tend()
    expect((await onlyIntent()).hash).not.toBe(first.hash)
    await local.mine(1)
    expect(await waiting).toMatchObject({ status: 'succeeded', mined: { hash: first.hash } })
    expect(await onlyIntent()).toMatchObject({ state: 'succeeded', hash: first.hash, raw: first.raw })
    expect(await stage.held()).toBe(4n)
  })

  test('behavior: killed between recording a replacement and its broadcast: the next start broadcasts it', async () => {
    const stuck = await getStuck(7n)
    proxy.refuse.add('eth_sendRawTransaction')
    stage.time.now += 121_000
    await stage.chain.tend()
    const recorded = (await onlyIntent()).hash
    const { key, folder, fromBlock } = stage
    stage.chain.close()
    expect(await stuck.promise).toMatchObject({ status: 'unknown' })
    await stage.close(false)
    proxy.refuse.clear()
    stage = await createStage(local, { rpcUrl: proxy.url, key, folder, fromBlock })
    await stage.chain.recover()
    await local.mine(1)
    await stage.resolver.tick()
    expect(await onlyIntent()).toMatchObject({ state: 'succeeded', hash: recorded })
    expect(await stage.held()).toBe(7n)
  })

  test('behavior: two at once replace it once', async () => {
    const stuck = await getStuck(1n)
    stage.time.now += 121_000
    await Promise.all([stage.chain.tend(), stage.chain.tend(), stage.chain.tend()])
    expect(await stage.ledger.attempts((await onlyIntent()).id)).toHaveLength(2)
    await local.mine(1)
    expect(await stuck.promise).toMatchObject({ status: 'succeeded' })
  })

  test('error: at the ceiling it is left as it is, and told once', async () => {
    const stuck = await getStuck(1n)
    const { id, raw } = await onlyIntent()
    for (let round = 0; round < 20; round += 1) {
      stage.time.now += 121_000
      await stage.chain.tend()
    }
    const caps = (await stage.ledger.attempts(id)).map((one) => SignedTransaction.ceiling(one.raw, 1))
    expect(caps.every((cap) => cap <= SignedTransaction.ceiling(raw, 5))).toBe(true)
    expect(caps.every((cap, index) => index === 0 || cap > must(caps[index - 1]))).toBe(true)
    expect(reported('transaction-stuck')).toHaveLength(1)
    expect(broadcasts()).toBeGreaterThan(1)
    await local.mine(1)
    expect(await stuck.promise).toMatchObject({ status: 'succeeded' })
  })

  test('behavior: what was mined in between is not replaced', async () => {
    const waiting = stage.chain.submit(mint(2n))
    await vi.waitFor(async () => expect((await onlyIntent()).state).toBe('sent'))
    await local.mine(1)
    expect(await waiting).toMatchObject({ status: 'succeeded' })
    stage.time.now += 121_000
    await stage.chain.tend()
    expect(await stage.ledger.attempts((await onlyIntent()).id)).toHaveLength(1)
    expect(reported('transaction-replaced')).toEqual([])
  })
})
