import { randomBytes } from 'node:crypto'
import type { PrivateKeyAccount } from 'viem'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import * as Account from '../../gateway/ledger/Account.ts'
import * as Asset from '../../gateway/ledger/Asset.ts'
import { must } from '../settlement/stage.ts'
import { type LocalChain, startChain } from '../support/chain.ts'
import { type Taken, takenBack } from './taken-back.ts'

/** Payouts that the chain takes back, or makes after all: who has the money has it from its credit. */

let local: LocalChain
let stage: Taken
let payer: PrivateKeyAccount
beforeAll(async () => {
  local = await startChain({ accounts: 2 })
})
afterAll(() => local.close())
beforeEach(async () => {
  stage = await takenBack(local, { timeoutMs: 500 })
  payer = await stage.payer()
  const { payment } = await stage.charge(payer, 100n)
  const outcome = await stage.desk.settle(payment)
  if (outcome.status !== 'settled') throw new Error(outcome.reason)
  await stage.ledger.settled({ paymentId: payment.id, ref: outcome.ref, deliver: 'credit' })
})
afterEach(async () => {
  await local.testClient.setAutomine(true)
  expect(await stage.laws()).toEqual([])
  expect(await stage.differences()).toEqual([])
  await stage.close()
})

async function ask(): Promise<string> {
  const id = `wd_${randomBytes(16).toString('base64url')}`
  const limits = { perWallet: 10n ** 9n, total: 10n ** 9n, since: 0, holdAbove: 10n ** 9n }
  const asset = Asset.of(local.chainId, local.token)
  const parties = { wallet: payer.address, to: payer.address, asset, amount: 60n, limits }
  await stage.ledger.withdrawals.request({ id, key: id, nonce: null, ...parties, now: stage.time.now })
  return id
}
const withdrawal = async (id: string) => must(await stage.ledger.withdrawals.withdrawal(id))
const credit = async () => (await stage.balance(Account.wallet(payer.address))).posted
const debt = async () => -(await stage.balance(Account.debt(payer.address))).posted
const tokens = () => stage.chain.balanceOf(local.token, payer.address)

describe('a payout that is taken back', () => {
  test('default: the very same transaction is sent again', async () => {
    const id = await ask()
    const before = await tokens()
    await stage.reorganise(async () => {
      await stage.withdrawDesk.tick()
      expect(await withdrawal(id)).toMatchObject({ state: 'paid' })
    })
    expect(await tokens()).toBe(before)
    await stage.rest()
    expect(await tokens()).toBe(before + 60n)
    expect(await withdrawal(id)).toMatchObject({ state: 'paid' })
    expect(await credit()).toBe(40n)
  })

  test('behavior: its nonce is used: nothing was paid, and the amount is credit again, once', async () => {
    const id = await ask()
    await stage.reorganise(() => stage.withdrawDesk.tick(), stage.takeNonce)
    await stage.rest()
    expect(await withdrawal(id)).toMatchObject({ state: 'failed', transaction: null })
    expect(await credit()).toBe(100n)
    expect(stage.reported('payout-reversed')).toMatchObject([{ withdrawal: id, amount: 60n }])
  })

  test('behavior: it comes back after all, and its credit was spent meanwhile: the rest is debt', async () => {
    const id = await ask()
    const other = await stage.open(payer)
    const before = await local.testClient.snapshot()
    await stage.withdrawDesk.tick()
    const raw = must((await stage.ledger.intentsFor(id))[0]).raw
    await local.testClient.revert({ id: before })
    const between = await local.testClient.snapshot()
    await stage.takeNonce()
    await local.mine(8)
    await stage.rest()
    expect(await withdrawal(id)).toMatchObject({ state: 'failed' })
    const claimed = await stage.ledger.claim({
      id: 'spent',
      key: 'spent',
      fingerprint: 'spent',
      dialect: 'session',
      wallet: payer.address,
      route: 'weather',
      asset: Asset.of(local.chainId, local.token),
      amount: 70n,
      earns: Account.revenue('weather'),
      now: stage.time.now,
      from: { rail: 'balance' },
    })
    expect(claimed.outcome).toBe('fresh')
    await stage.ledger.capture({ paymentId: 'spent', amount: 70n, complete: true })
    await local.testClient.revert({ id: between })
    await local.publicClient.sendRawTransaction({ serializedTransaction: raw })
    await local.mine(20)
    await stage.rest()
    expect(await withdrawal(id)).toMatchObject({ state: 'paid' })
    expect([await credit(), await debt()]).toEqual([0n, 30n])
    expect(stage.reported('late-payout')).toMatchObject([{ withdrawal: id, was: 'failed' }])
    expect(must(await stage.chain.channel(other.id)).deposit).toBe(100_000n)
  })
})

describe('a payout that was given up', () => {
  /** Its transaction was overrun, and another one paid; then the chain has the first one after all. */
  async function paidTwice(): Promise<string> {
    const id = await ask()
    await local.testClient.setAutomine(false)
    await stage.withdrawDesk.tick()
    const first = must((await stage.ledger.intentsFor(id))[0])
    await local.testClient.dropTransaction({ hash: first.hash })
    await local.testClient.setAutomine(true)
    await stage.reorganise(
      async () => {
        await stage.takeNonce()
        await stage.resolver.tick()
        await stage.withdrawDesk.tick()
        await stage.withdrawDesk.tick()
        expect(await withdrawal(id)).toMatchObject({ state: 'paid' })
      },
      () => local.publicClient.sendRawTransaction({ serializedTransaction: first.raw }),
    )
    for (let round = 0; round < 3; round += 1) await stage.rest()
    expect(await withdrawal(id)).toMatchObject({ state: 'paid' })
    return id
  }

  test('error: is made after all, beside the one in its place: what the wallet has twice it pays from its credit', async () => {
    const { payment } = await stage.charge(payer, 500n)
    const outcome = await stage.desk.settle(payment)
    if (outcome.status !== 'settled') throw new Error(outcome.reason)
    await stage.ledger.settled({ paymentId: payment.id, ref: outcome.ref, deliver: 'delivered' })
    const id = await paidTwice()
    expect([await credit(), await debt()]).toEqual([0n, 20n])
    expect(stage.reported('late-payout')).toMatchObject([{ withdrawal: id, was: 'paid' }])
  })

  test('behavior: is made after all, and leaves too little for the one in its place: paid once', async () => {
    const id = await paidTwice()
    expect([await credit(), await debt()]).toEqual([40n, 0n])
    expect(stage.reported('payout-reversed')).toMatchObject([{ withdrawal: id }])
  })
})
