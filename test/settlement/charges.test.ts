import { randomBytes } from 'node:crypto'
import { type Hex, toHex } from 'viem'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import * as TokenCalls from '../../gateway/chain/TokenCalls.ts'
import * as Account from '../../gateway/ledger/Account.ts'
import { reconcile } from '../../gateway/settlement/reconcile.ts'
import { type FaultyProxy, startFaultyProxy } from '../chain/faulty-proxy.ts'
import { type LocalChain, startChain } from '../support/chain.ts'
import { createStage, must, type Stage } from './stage.ts'

let local: LocalChain
let proxy: FaultyProxy
let stage: Stage
beforeAll(async () => {
  local = await startChain({ accounts: 2 })
})
afterAll(() => local.close())
beforeEach(async () => {
  proxy = await startFaultyProxy(local.rpcUrl)
  stage = await createStage(local, { rpcUrl: proxy.url, timeoutMs: 400 })
})
afterEach(async () => {
  await local.testClient.setAutomine(true)
  await stage.close()
  await proxy.close()
})

const payment = async (id: string) => must(await stage.ledger.payment({ id }))
const sent = () => local.publicClient.getTransactionCount({ address: stage.chain.payee })
const broadcasts = () => proxy.seen.filter((method) => method === 'eth_sendRawTransaction').length
const agree = async () =>
  expect(
    (
      await reconcile({
        ledger: stage.ledger,
        chain: stage.chain,
        tokens: [local.token],
        fromBlock: stage.fromBlock,
      })
    ).differences,
  ).toEqual([])

describe('ChargeDesk.settle', () => {
  test('default: settles by the mined Transfer log', async () => {
    const payer = await stage.payer()
    const { payment: claimed } = await stage.charge(payer, 25n)
    const outcome = await stage.desk.settle(claimed)
    if (outcome.status !== 'settled') throw new Error(outcome.reason)
    expect(outcome.ref).toMatchObject({ chainId: local.chainId, logIndex: 1 })
    await stage.ledger.settled({ paymentId: claimed.id, ref: outcome.ref, deliver: 'delivered' })
    expect(await stage.held()).toBe(25n)
    expect(await payment(claimed.id)).toMatchObject({ money: 'settled', delivery: 'delivered', charged: 25n })
    await agree()
  })

  test('error: a payer who moved the tokens away is refused, and nothing was sent', async () => {
    const payer = await stage.payer()
    const { payment: claimed } = await stage.charge(payer, 10_000_001n)
    expect(await stage.desk.settle(claimed)).toEqual({ status: 'refused', reason: 'insufficient-balance' })
    expect(await sent()).toBe(0)
  })

  test('error: an expired authorization is refused', async () => {
    const payer = await stage.payer()
    const { payment: claimed } = await stage.charge(payer, 5n, { validBefore: 1n })
    expect(await stage.desk.settle(claimed)).toEqual({ status: 'refused', reason: 'authorization-expired' })
  })

  test('behavior: submitted by somebody else already: settled by the log of that transaction', async () => {
    const payer = await stage.payer()
    const { payment: claimed, order } = await stage.charge(payer, 40n)
    const data = TokenCalls.transferWithAuthorization(order.message, order.signature)
    const transaction = await local.walletClient(payer).sendTransaction({ to: local.token, data })
    expect(await stage.desk.settle(claimed)).toMatchObject({ status: 'settled', ref: { transaction } })
    expect(await sent()).toBe(0)
    expect(await stage.held()).toBe(40n)
  })

  test('behavior: overtaken in its own block: the other transaction pays, ours is reverted', async () => {
    const payer = await stage.payer()
    const { payment: claimed, order } = await stage.charge(payer, 40n)
    const data = TokenCalls.transferWithAuthorization(order.message, order.signature)
    await local.testClient.setAutomine(false)
    const waiting = stage.desk.settle(claimed)
    await vi.waitFor(() => expect(broadcasts()).toBe(1))
    const price = { maxFeePerGas: 10n ** 11n, maxPriorityFeePerGas: 10n ** 10n, gas: 200_000n }
    const transaction = await local.walletClient(payer).sendTransaction({ to: local.token, data, ...price })
    await local.mine(1)
    expect(await waiting).toMatchObject({ status: 'settled', ref: { transaction } })
    expect(await stage.held()).toBe(40n)
  })

  test('error: a node that is down leaves it unknown, and the resolver voids what was never sent', async () => {
    const payer = await stage.payer()
    const { payment: claimed } = await stage.charge(payer, 5n)
    proxy.down = true
    const outcome = await stage.desk.settle(claimed)
    expect(outcome).toMatchObject({ status: 'unknown', reason: 'chain-unavailable' })
    await stage.ledger.unknown(claimed.id, 'chain-unavailable')
    proxy.down = false
    expect(await stage.resolver.tick()).toMatchObject({ payments: 1 })
    expect(await payment(claimed.id)).toMatchObject({ money: 'void', delivery: 'void' })
    expect(await sent()).toBe(0)
  })

  test('error: a payee without gas is our fault: unknown, never refused', async () => {
    const payer = await stage.payer()
    const { payment: claimed } = await stage.charge(payer, 5n)
    await local.testClient.setBalance({ address: stage.chain.payee, value: 0n })
    expect(await stage.desk.settle(claimed)).toEqual({
      status: 'unknown',
      reason: 'insufficient-gas-funds',
    })
  })
})

describe('Resolver.tick', () => {
  /** The node takes the transaction, and from then on nobody hears from it. */
  async function cutOff(deliver: 'stored' | 'nothing') {
    const payer = await stage.payer()
    const { payment: claimed } = await stage.charge(payer, 30n)
    proxy.dropAnswersTo.add('eth_sendRawTransaction').add('eth_getTransactionReceipt')
    proxy.dropAnswersTo.add('eth_getTransactionByHash')
    const answer = deliver === 'stored' ? { sealed: new Uint8Array([1]) } : undefined
    const outcome = await stage.desk.settle(claimed, answer)
    expect(outcome).toMatchObject({ status: 'unknown' })
    await stage.ledger.unknown(claimed.id, 'cut off')
    return { id: claimed.id, payer }
  }

  test('default: accepted by the node, then cut off: settled once, with one transaction, and delivered', async () => {
    const { id } = await cutOff('stored')
    proxy.dropAnswersTo.clear()
    await stage.resolver.tick()
    expect(await payment(id)).toMatchObject({ money: 'settled', delivery: 'delivered', charged: 30n })
    await stage.resolver.tick()
    expect(await stage.held()).toBe(30n)
    expect(await sent()).toBe(1)
    expect(await stage.ledger.intentsFor(id)).toMatchObject([{ state: 'succeeded' }])
    await agree()
  })

  test('behavior: moved and nothing delivered: it is credit of the payer', async () => {
    const { id, payer } = await cutOff('nothing')
    proxy.dropAnswersTo.clear()
    await stage.resolver.tick()
    expect(await payment(id)).toMatchObject({ money: 'credited', delivery: 'failed' })
    expect(await stage.balance(Account.wallet(payer.address))).toMatchObject({ posted: 30n })
    await agree()
  })

  test('behavior: a process killed in the middle: the next one finds the money and books it once', async () => {
    const { id } = await cutOff('stored')
    await stage.close(false)
    stage = await createStage(local, { key: stage.key, folder: stage.folder, fromBlock: stage.fromBlock })
    await stage.chain.recover()
    await stage.resolver.tick()
    expect(await payment(id)).toMatchObject({ money: 'settled', delivery: 'delivered' })
    expect(await sent()).toBe(1)
    await agree()
  })

  test('behavior: while its transaction is under way a payment stays open', async () => {
    const payer = await stage.payer()
    const { payment: claimed } = await stage.charge(payer, 30n)
    await local.testClient.setAutomine(false)
    expect(await stage.desk.settle(claimed)).toMatchObject({ status: 'unknown' })
    await stage.ledger.unknown(claimed.id, 'not mined')
    expect(await stage.resolver.tick()).toMatchObject({ payments: 0, open: 1 })
    await local.mine(1)
    await stage.resolver.tick()
    expect(await payment(claimed.id)).toMatchObject({ money: 'credited' })
    expect(await sent()).toBe(1)
  })

  test('behavior: left settling by a dead process and not mined yet: unknown, so that every look asks after it', async () => {
    const payer = await stage.payer()
    const { payment: claimed } = await stage.charge(payer, 30n)
    await local.testClient.setAutomine(false)
    expect(await stage.desk.settle(claimed)).toMatchObject({ status: 'unknown' })
    expect(await payment(claimed.id)).toMatchObject({ money: 'settling' })
    expect(await stage.resolver.tick()).toMatchObject({ payments: 0, open: 1 })
    expect(await payment(claimed.id)).toMatchObject({ money: 'unknown' })
    await local.mine(1)
    await stage.resolver.tick()
    expect(await payment(claimed.id)).toMatchObject({ money: 'credited' })
    expect(await sent()).toBe(1)
  })

  test('behavior: left settling by a dead process and mined since: booked at the first look, and its caller is in doubt', async () => {
    const payer = await stage.payer()
    const { payment: claimed } = await stage.charge(payer, 30n)
    await local.testClient.setAutomine(false)
    expect(await stage.desk.settle(claimed)).toMatchObject({ status: 'unknown' })
    await local.mine(1)
    await stage.resolver.tick()
    expect(await payment(claimed.id)).toMatchObject({ money: 'credited' })
    const { wallet, fingerprint } = claimed
    const found = await stage.ledger.doubts.find({ wallet, fingerprint, key: 'later' })
    expect(found?.payment.id).toBe(claimed.id)
  })

  test('behavior: never sent but delivered: sent now', async () => {
    const payer = await stage.payer()
    const { payment: claimed } = await stage.charge(payer, 30n)
    await stage.ledger.settling({ paymentId: claimed.id, answer: { sealed: new Uint8Array([1]) } })
    await stage.resolver.tick()
    expect(await payment(claimed.id)).toMatchObject({ money: 'settled', delivery: 'delivered' })
  })

  test('behavior: cancelled by the payer after delivery: lost', async () => {
    const payer = await stage.payer()
    const { payment: claimed, order } = await stage.charge(payer, 30n)
    await stage.ledger.settling({ paymentId: claimed.id })
    await stage.ledger.complete(claimed.id)
    await cancel(payer, order.message.nonce)
    await stage.resolver.tick()
    expect(await payment(claimed.id)).toMatchObject({ money: 'lost', delivery: 'delivered' })
    await agree()
  })

  test('behavior: expired and never used, with nothing delivered: void', async () => {
    const payer = await stage.payer()
    const { payment: claimed } = await stage.charge(payer, 30n, { validBefore: 1n })
    await stage.ledger.settling({ paymentId: claimed.id })
    await stage.resolver.tick()
    expect(await payment(claimed.id)).toMatchObject({ money: 'void', reason: 'authorization-expired' })
  })

  async function cancel(payer: Awaited<ReturnType<Stage['payer']>>, nonce: Hex) {
    const signature = await payer.signTypedData({
      domain: { name: 'Test USD', version: '2', chainId: local.chainId, verifyingContract: local.token },
      types: {
        CancelAuthorization: [
          { name: 'authorizer', type: 'address' },
          { name: 'nonce', type: 'bytes32' },
        ],
      },
      primaryType: 'CancelAuthorization',
      message: { authorizer: payer.address, nonce },
    })
    await stage.write(payer, {
      address: local.token,
      abi: [
        {
          type: 'function',
          name: 'cancelAuthorization',
          stateMutability: 'nonpayable',
          inputs: [
            { name: 'authorizer', type: 'address' },
            { name: 'nonce', type: 'bytes32' },
            { name: 'signature', type: 'bytes' },
          ],
          outputs: [],
        },
      ],
      functionName: 'cancelAuthorization',
      args: [payer.address, nonce, signature],
    })
  }
})

describe('LateTransfers', () => {
  test('behavior: given up, then submitted by a stranger: credit of the payer, once', async () => {
    const payer = await stage.payer()
    const { payment: claimed, order } = await stage.charge(payer, 30n)
    await stage.ledger.settling({ paymentId: claimed.id })
    await stage.ledger.void(claimed.id, 'reverted')
    const data = TokenCalls.transferWithAuthorization(order.message, order.signature)
    await local.walletClient(payer).sendTransaction({ to: local.token, data })
    await stage.watcher.poll()
    expect(await payment(claimed.id)).toMatchObject({ money: 'credited', delivery: 'failed' })
    await stage.ledger.setCursor(stage.chain.id, stage.fromBlock)
    await stage.watcher.poll()
    expect(await stage.balance(Account.wallet(payer.address))).toMatchObject({ posted: 30n })
    await agree()
  })

  test('behavior: somebody still works on the payment: left to them, and looked at again', async () => {
    const payer = await stage.payer()
    const { payment: claimed, order } = await stage.charge(payer, 30n)
    await stage.ledger.settling({ paymentId: claimed.id })
    const data = TokenCalls.transferWithAuthorization(order.message, order.signature)
    await local.walletClient(payer).sendTransaction({ to: local.token, data })
    await stage.watcher.poll()
    expect(await payment(claimed.id)).toMatchObject({ money: 'settling' })
    await stage.ledger.void(claimed.id, 'given up')
    await local.mine(1)
    await stage.watcher.poll()
    expect(await payment(claimed.id)).toMatchObject({ money: 'credited' })
    await agree()
  })
})

describe('TokenCalls.executed', () => {
  const word = (value: bigint) => toHex(value, { size: 32 })
  const token = `0x${'aa'.repeat(20)}` as const
  const message = {
    from: `0x${'01'.repeat(20)}`,
    to: `0x${'02'.repeat(20)}`,
    value: 7n,
    validAfter: 0n,
    validBefore: 1n,
    nonce: toHex(randomBytes(32)),
  } as const
  const place = { blockNumber: 1n, transactionHash: word(9n), removed: false, address: token }
  const used = (nonce: Hex, logIndex: number) =>
    ({
      ...place,
      logIndex,
      data: '0x',
      topics: [
        '0x98de503528ee59b575ef0c0a2576a82497bfc029a5685b209e9ec333479b10a5',
        `0x${'0'.repeat(24)}${message.from.slice(2)}`,
        nonce,
      ],
    }) as never
  const moved = (value: bigint, logIndex: number) =>
    ({
      ...place,
      logIndex,
      data: word(value),
      topics: [
        '0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef',
        `0x${'0'.repeat(24)}${message.from.slice(2)}`,
        `0x${'0'.repeat(24)}${message.to.slice(2)}`,
      ],
    }) as never

  test('behavior: two alike in one transaction are each matched with their own transfer', () => {
    const other = toHex(randomBytes(32))
    const logs = [used(other, 0), moved(7n, 1), used(message.nonce, 2), moved(7n, 3)]
    expect(TokenCalls.executed(token, message, logs)?.logIndex).toBe(3)
    expect(TokenCalls.executed(token, { ...message, nonce: other }, logs)?.logIndex).toBe(1)
  })

  test('error: another amount, another nonce, or no transfer at all is nothing', () => {
    expect(TokenCalls.executed(token, message, [used(message.nonce, 0), moved(6n, 1)])).toBeNull()
    expect(TokenCalls.executed(token, message, [used(toHex(randomBytes(32)), 0), moved(7n, 1)])).toBeNull()
    expect(TokenCalls.executed(token, message, [used(message.nonce, 0)])).toBeNull()
    expect(TokenCalls.executed(token, message, [])).toBeNull()
  })
})
