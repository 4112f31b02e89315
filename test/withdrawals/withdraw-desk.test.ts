import { randomBytes } from 'node:crypto'
import { type Address, type PrivateKeyAccount, zeroAddress } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import * as Account from '../../gateway/ledger/Account.ts'
import * as Asset from '../../gateway/ledger/Asset.ts'
import type { Request } from '../../gateway/ledger/Withdrawal.ts'
import { tokenAbi } from '../../gateway/protocol/abi.ts'
import { orderOf } from '../../gateway/settlement/payout.ts'
import { reconcile } from '../../gateway/settlement/reconcile.ts'
import { createWithdrawDesk } from '../../gateway/settlement/withdraw-desk.ts'
import { type FaultyProxy, startFaultyProxy } from '../chain/faulty-proxy.ts'
import { createStage, must, type Stage } from '../settlement/stage.ts'
import { type LocalChain, startChain } from '../support/chain.ts'

/** However it is interrupted, a withdrawal is paid once or not at all, and the books know which. */

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
  await stage.close()
  await proxy.close()
})

const deskOf = ({ ledger, chain, clock }: Stage) => createWithdrawDesk({ ledger, chain, clock })
const sent = () => local.publicClient.getTransactionCount({ address: stage.chain.payee })
const withdrawal = async (id: string) => must(await stage.ledger.withdrawals.withdrawal(id))
const tokensOf = (owner: Address) => stage.chain.balanceOf(local.token, owner)
const limits = { perWallet: 10n ** 9n, total: 10n ** 9n, since: 0, holdAbove: 10n ** 9n }

/** The books and the chain agree, and the books with themselves. */
async function agree() {
  const { ledger, chain, fromBlock } = stage
  const { differences } = await reconcile({ ledger, chain, tokens: [local.token], fromBlock })
  expect(differences).toEqual([])
  expect((await ledger.audit()).laws.flatMap(({ violations }) => violations)).toEqual([])
}

/** A payer whose charge moved and was not delivered. */
async function credited(amount = 100n): Promise<PrivateKeyAccount> {
  const payer = await stage.payer()
  const { payment } = await stage.charge(payer, amount)
  const outcome = await stage.desk.settle(payment)
  if (outcome.status !== 'settled') throw new Error(outcome.reason)
  await stage.ledger.settled({ paymentId: payment.id, ref: outcome.ref, deliver: 'credit' })
  return payer
}

async function ask(payer: PrivateKeyAccount, change: Partial<Request> = {}): Promise<string> {
  const id = `wd_${randomBytes(16).toString('base64url')}`
  const result = await stage.ledger.withdrawals.request({
    id,
    key: id,
    nonce: null,
    wallet: payer.address,
    asset: Asset.of(local.chainId, local.token),
    amount: 60n,
    to: payer.address,
    limits,
    now: stage.time.now,
    ...change,
  })
  expect(result.outcome).toBe('fresh')
  return id
}

describe('WithdrawDesk', () => {
  test('default: pays, and books by the mined Transfer log', async () => {
    const payer = await credited()
    const before = await tokensOf(payer.address)
    const id = await ask(payer)
    await agree()
    await deskOf(stage).tick()
    expect(await withdrawal(id)).toMatchObject({ state: 'paid', transaction: expect.stringMatching(/^0x/) })
    expect((await tokensOf(payer.address)) - before).toBe(60n)
    expect(await stage.balance(Account.wallet(payer.address))).toEqual({ posted: 40n, available: 40n })
    await agree()
  })

  test('behavior: taken by the node, which then falls silent: followed to its end, paid once', async () => {
    const payer = await credited()
    const [before, nonce] = [await tokensOf(payer.address), await sent()]
    const id = await ask(payer)
    for (const method of ['eth_sendRawTransaction', 'eth_getTransactionReceipt', 'eth_getTransactionByHash'])
      proxy.dropAnswersTo.add(method)
    const desk = deskOf(stage)
    await desk.tick()
    expect(await withdrawal(id)).toMatchObject({ state: 'unknown' })
    expect(await stage.balance(Account.wallet(payer.address))).toEqual({ posted: 100n, available: 40n })
    await expect(stage.ledger.withdrawals.fail(id, 'gave up')).rejects.toThrow(/may be out/)
    await expect(stage.ledger.withdrawals.wait(id, 'gave up')).rejects.toThrow(/may be out/)
    proxy.dropAnswersTo.clear()
    await desk.tick()
    await stage.resolver.tick()
    await desk.tick()
    await desk.tick()
    expect(await withdrawal(id)).toMatchObject({ state: 'paid' })
    expect((await tokensOf(payer.address)) - before).toBe(60n)
    expect((await sent()) - nonce).toBe(1)
    await agree()
  })

  test('behavior: killed after it was broadcast: the next process finds it and books it once', async () => {
    const payer = await credited()
    const [before, nonce] = [await tokensOf(payer.address), await sent()]
    const id = await ask(payer)
    for (const method of ['eth_sendRawTransaction', 'eth_getTransactionReceipt', 'eth_getTransactionByHash'])
      proxy.dropAnswersTo.add(method)
    await deskOf(stage).tick()
    await stage.close(false)
    const { key, folder, fromBlock } = stage
    stage = await createStage(local, { key, folder, fromBlock })
    await stage.chain.recover()
    const desk = deskOf(stage)
    await desk.recover()
    await desk.tick()
    expect(await withdrawal(id)).toMatchObject({ state: 'paid' })
    expect((await tokensOf(payer.address)) - before).toBe(60n)
    expect((await sent()) - nonce).toBe(1)
  })

  test('behavior: killed before anything was recorded: the next process pays', async () => {
    const payer = await credited()
    const before = await tokensOf(payer.address)
    const id = await ask(payer)
    expect((await stage.ledger.withdrawals.pay(id)).outcome).toBe('paying')
    const desk = deskOf(stage)
    await desk.tick()
    expect(await withdrawal(id), 'somebody may be about to send it').toMatchObject({ state: 'paying' })
    await desk.recover()
    await desk.tick()
    expect(await withdrawal(id)).toMatchObject({ state: 'paid' })
    expect((await tokensOf(payer.address)) - before).toBe(60n)
  })

  test('behavior: a process that slept between taking and sending sends nothing', async () => {
    const payer = await credited(300n)
    const before = await tokensOf(payer.address)
    const id = await ask(payer)
    const taken = await stage.ledger.withdrawals.pay(id)
    if (taken.outcome !== 'paying') throw new Error(taken.outcome)
    const other = deskOf(stage)
    await other.recover()
    await other.tick()
    await expect(stage.chain.submit(orderOf(taken.withdrawal))).rejects.toThrow(/would pay/)
    expect((await tokensOf(payer.address)) - before).toBe(60n)
    await agree()
  })

  test('behavior: two gateways on one ledger pay once', async () => {
    const payer = await credited()
    const before = await tokensOf(payer.address)
    const ids = await Promise.all([ask(payer, { amount: 10n }), ask(payer, { amount: 20n })])
    const { key, folder, fromBlock } = stage
    const second = await createStage(local, { key, folder, fromBlock })
    await Promise.all([deskOf(stage).tick(), deskOf(second).tick()])
    stage.time.now += 3_600_000
    for (let round = 0; round < 4; round += 1) {
      await stage.resolver.tick()
      await deskOf(stage).recover()
      await deskOf(stage).tick()
    }
    await second.close(false)
    for (const id of ids) expect(await withdrawal(id)).toMatchObject({ state: 'paid' })
    expect((await tokensOf(payer.address)) - before).toBe(30n)
    await agree()
  })

  test('error: a recipient that the token refuses: nothing is sent, and the credit is back', async () => {
    const payer = await credited()
    const nonce = await sent()
    const id = await ask(payer, { to: zeroAddress })
    await deskOf(stage).tick()
    expect(await withdrawal(id)).toMatchObject({ state: 'failed', reason: 'invalid-receiver' })
    expect(await stage.balance(Account.wallet(payer.address))).toEqual({ posted: 100n, available: 100n })
    expect(await sent()).toBe(nonce)
    await agree()
  })

  test('error: a payee that was swept, or has no gas: it waits, and is paid once that is mended', async () => {
    const payer = await credited()
    const id = await ask(payer)
    const owner = privateKeyToAccount(stage.key)
    const sweep = (to: Address, value: bigint, from: PrivateKeyAccount) =>
      stage.write(from, { address: local.token, abi: tokenAbi, functionName: 'transfer', args: [to, value] })
    await sweep(payer.address, 90n, owner)
    const desk = deskOf(stage)
    await desk.tick()
    expect(await withdrawal(id)).toMatchObject({ state: 'requested', reason: 'insufficient-balance' })
    await sweep(stage.chain.payee, 90n, payer)
    await desk.tick()
    expect(await withdrawal(id), 'it is not asked after all the time').toMatchObject({ state: 'requested' })
    await local.testClient.setBalance({ address: stage.chain.payee, value: 0n })
    stage.time.now += 31_000
    await desk.tick()
    expect(await withdrawal(id)).toMatchObject({ state: 'requested', reason: 'insufficient-gas-funds' })
    await local.testClient.setBalance({ address: stage.chain.payee, value: 10n ** 20n })
    stage.time.now += 61_000
    await desk.tick()
    expect(await withdrawal(id)).toMatchObject({ state: 'paid' })
  })

  test('error: credit from a channel that is not settled yet waits for the settlement: more than has arrived is never paid out', async () => {
    const payer = await stage.payer()
    const { id: channelId } = await stage.open(payer, 1_000n)
    await stage.watcher.poll()
    const asset = Asset.of(local.chainId, local.token)
    const signature = await stage.sign(payer, channelId, 80n)
    const claimed = await stage.ledger.claim({
      id: 'pay_broken',
      key: 'broken',
      fingerprint: 'broken',
      dialect: 'mpp',
      wallet: payer.address,
      route: 'weather',
      asset,
      amount: 80n,
      earns: Account.revenue('weather'),
      now: stage.time.now,
      from: { rail: 'channel', channelId, cumulative: 80n, signature, minDelta: 0n, reusable: false },
    })
    expect(claimed.outcome).toBe('fresh')
    await stage.ledger.capture({ paymentId: 'pay_broken', amount: 80n })
    await stage.ledger.refund('pay_broken', 'The answer broke off.')
    const id = await ask(payer)
    const desk = deskOf(stage)
    // The payee could pay: with tokens that the books know nothing of.
    await local.mint(stage.chain.payee, 1_000n)
    const nonce = await sent()
    await desk.tick()
    expect(await withdrawal(id)).toMatchObject({ state: 'requested' })
    expect(await sent()).toBe(nonce)
    await stage.settler.tick()
    stage.time.now += 31_000
    await desk.tick()
    expect(await withdrawal(id)).toMatchObject({ state: 'paid' })
    expect((await stage.ledger.audit()).laws.flatMap(({ violations }) => violations)).toEqual([])
  })
})
