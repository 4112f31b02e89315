import { type Hex, parseAbi } from 'viem'
import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import * as Account from '../../gateway/ledger/Account.ts'
import { deployContract } from '../../scripts/deploy/deploy-token.ts'
import { type FaultyProxy, startFaultyProxy } from '../chain/faulty-proxy.ts'
import { createStage, must, type Stage } from '../settlement/stage.ts'
import { type LocalChain, startChain } from '../support/chain.ts'

// Attacks on settlement that need no request: each promises that money moves once, is booked once, and reaches us.

let local: LocalChain
let proxy: FaultyProxy
let stage: Stage
beforeAll(async () => {
  local = await startChain({ accounts: 3 })
})
afterAll(() => local.close())
beforeEach(async () => {
  proxy = await startFaultyProxy(local.rpcUrl)
  stage = await createStage(local, { rpcUrl: proxy.url, timeoutMs: 500 })
})
afterEach(async () => {
  await stage.close()
  await proxy.close()
})

const sent = () => local.publicClient.getTransactionCount({ address: stage.chain.payee })
const restart = async (confirmations = 1) => {
  const { key, folder, fromBlock } = stage
  await stage.close(false)
  stage = await createStage(local, { key, folder, fromBlock, confirmations })
  await stage.chain.recover()
}

describe('claim released on a settlement error', () => {
  test('the node takes the transaction and drops the connection: no second one, settled after a restart', async () => {
    const payer = await stage.payer()
    const { payment } = await stage.charge(payer, 30n)
    for (const method of ['eth_sendRawTransaction', 'eth_getTransactionReceipt', 'eth_getTransactionByHash'])
      proxy.dropAnswersTo.add(method)
    const outcome = await stage.desk.settle(payment, { sealed: new Uint8Array([1]) })
    expect(outcome.status).toBe('unknown')
    await stage.ledger.unknown(payment.id, 'connection lost')
    await restart()
    await stage.resolver.tick()
    await stage.resolver.tick()
    expect(must(await stage.ledger.payment({ id: payment.id }))).toMatchObject({
      money: 'settled',
      delivery: 'delivered',
    })
    expect(await sent()).toBe(1)
    expect(await stage.held()).toBe(30n)
    expect(await stage.ledger.chainEntries(stage.chain.id)).toHaveLength(1)
  })
})

describe('token that lies', () => {
  test('a token that takes any call and moves nothing is never counted as paid', async () => {
    const deployer = must(local.accounts[1])
    const clients = { walletClient: local.walletClient(deployer), publicClient: local.publicClient }
    const { address: liar } = await deployContract({ ...clients, name: 'LyingToken' })
    const payer = await stage.payer()
    const { payment } = await stage.charge(payer, 30n)
    const settlement = must(payment.settlement).replace(local.token.toLowerCase(), liar.toLowerCase())
    expect(settlement).toContain(liar.toLowerCase())
    const outcome = await stage.desk.settle({ ...payment, settlement })
    expect(outcome.status).not.toBe('settled')
    expect(await stage.balance(Account.treasury)).toMatchObject({ posted: 0n })
  })
})

describe('withdrawal during service', () => {
  test('a request to close is settled at its first block, long before it is deep and the payer may withdraw', async () => {
    await restart(12)
    const payer = await stage.payer()
    const { id } = await stage.open(payer, 1_000n)
    await local.mine(12)
    await stage.watcher.poll()
    await stage.spend(payer, id, 600n, 600n)
    await stage.escrow(payer, 'requestClose', [id])
    await stage.watcher.poll()
    expect(stage.closeRequests).toEqual([id])
    const settling = stage.settler.tick()
    await vi.waitFor(async () => expect(await stage.held()).toBe(600n))
    await local.mine(12)
    expect(await settling).toMatchObject({ settled: 1 })
    await expect(stage.escrow(payer, 'withdraw', [id])).rejects.toThrow()
  })
})

describe('poisoned batch', () => {
  test('one bad channel in fifty: 49 are settled, the bad one is quarantined', async () => {
    const payer = await stage.payer()
    const ids: Hex[] = []
    for (let index = 0; index < 50; index += 1) ids.push((await stage.open(payer, 100n)).id)
    await stage.watcher.poll()
    const bad = must(ids[17])
    for (const id of ids)
      await stage.spend(payer, id, 2n, 2n, id === bad ? await stage.sign(payer, must(ids[0]), 2n) : undefined)
    expect(await stage.settler.tick()).toEqual({ settled: 49, refused: 1, unknown: 0 })
    expect(await stage.held()).toBe(98n)
    expect([...stage.settler.quarantined().keys()]).toEqual([bad])
    expect(await sent()).toBe(5)
  })

  test('a wallet that changes its owner after signing is skipped, and nothing of it is booked', async () => {
    const payer = await stage.payer()
    const owner = privateKeyToAccount(generatePrivateKey())
    await local.testClient.setBalance({ address: owner.address, value: 10n ** 20n })
    const deployer = must(local.accounts[1])
    const clients = { walletClient: local.walletClient(deployer), publicClient: local.publicClient }
    const { address: wallet } = await deployContract({
      ...clients,
      name: 'TestWallet',
      args: [owner.address],
    })
    const rotating = await stage.open(payer, 100n, wallet)
    const honest = await stage.open(payer, 100n)
    await stage.watcher.poll()
    const signature = await stage.sign(owner, rotating.id, 9n)
    const voucher = { channelId: rotating.id, cumulativeAmount: 9n }
    expect(await stage.chain.verifyVoucher(voucher, signature, wallet)).toBe(true)
    await stage.spend(payer, rotating.id, 9n, 9n, signature)
    await stage.spend(payer, honest.id, 5n, 5n)
    const abi = parseAbi(['function rotate(address owner)'])
    await stage.write(owner, { address: wallet, abi, functionName: 'rotate', args: [payer.address] })
    expect(await stage.settler.tick()).toEqual({ settled: 1, refused: 1, unknown: 0 })
    expect(await stage.held()).toBe(5n)
    expect(await stage.ledger.channel(rotating.id)).toMatchObject({ settled: 0n, spent: 9n })
  })
})

describe('nonce manager crash', () => {
  test('killed between intent and broadcast, with more work after: no gap, no duplicate', async () => {
    const payer = await stage.payer()
    const { id } = await stage.open(payer, 1_000n)
    await stage.watcher.poll()
    await stage.spend(payer, id, 100n, 100n)
    proxy.refuse.add('eth_sendRawTransaction')
    expect(await stage.settler.tick()).toEqual({ settled: 0, refused: 0, unknown: 1 })
    expect(await sent()).toBe(0)
    await restart()
    const { payment } = await stage.charge(payer, 7n)
    expect(await stage.desk.settle(payment)).toMatchObject({ status: 'settled' })
    await stage.resolver.tick()
    expect(await sent()).toBe(2)
    expect(await stage.ledger.channel(id)).toMatchObject({ settled: 100n })
    expect(await stage.held()).toBe(107n)
    expect(await stage.ledger.openIntents()).toEqual([])
  })
})

describe('credentials in logs', () => {
  test('no report carries a signature, a raw transaction or a key', async () => {
    const payer = await stage.payer()
    const { id } = await stage.open(payer, 1_000n)
    await stage.watcher.poll()
    const signature = await stage.sign(payer, id, 100n)
    await stage.spend(payer, id, 100n, 100n, signature)
    const { payment, order } = await stage.charge(payer, 7n)
    proxy.refuse.add('eth_sendRawTransaction')
    await stage.settler.tick()
    await stage.desk.settle(payment)
    proxy.refuse.clear()
    await stage.resolver.tick()
    const raws = (await stage.ledger.intentsFor(id)).map(({ raw }) => raw)
    const text = JSON.stringify(stage.reports, (_, value: unknown) =>
      typeof value === 'bigint' ? value.toString() : value,
    )
    expect(stage.reports.length).toBeGreaterThan(0)
    for (const secret of [signature, order.signature, stage.key, ...raws]) {
      expect(text).not.toContain(secret)
      expect(text).not.toContain(secret.slice(2, 66))
    }
  })
})
