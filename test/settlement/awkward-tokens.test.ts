import { parseAbi } from 'viem'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import * as TokenCalls from '../../gateway/chain/TokenCalls.ts'
import { deployContract } from '../../scripts/deploy/deploy-token.ts'
import { type LocalChain, startChain } from '../support/chain.ts'
import { createStage, must, type Stage } from './stage.ts'

// Tokens that keep to EIP-3009 in their own way. What their Transfer logs show is what counts.

let local: LocalChain
let stage: Stage
beforeAll(async () => {
  local = await startChain({ accounts: 2 })
})
afterAll(() => local.close())
afterEach(() => stage.close())

async function over(name: 'OlderToken' | 'MuteToken' | 'ForgingToken', domain: string): Promise<void> {
  const walletClient = local.walletClient(must(local.accounts[1]))
  const { address: token } = await deployContract({ walletClient, publicClient: local.publicClient, name })
  stage = await createStage(local, { token, domain: { name: domain, version: '1' } })
}
const money = async (id: string) => must(await stage.ledger.payment({ id })).money

describe('a token without the `bytes` overload', () => {
  test('default: settles in the older form with `v, r, s`', async () => {
    await over('OlderToken', 'Older USD')
    const { payment, order } = await stage.charge(await stage.payer(), 30n)
    expect(await stage.desk.settle(payment)).toMatchObject({ status: 'settled' })
    expect(await stage.held()).toBe(30n)
    const [intent, ...others] = await stage.ledger.intentsFor(payment.id)
    expect([intent?.state, others]).toEqual(['succeeded', []])
    const split = must(TokenCalls.transferWithAuthorizationSplit(order.message, order.signature))
    expect(must(intent).raw).toContain(split.slice(2))
  })

  test('error: what the older form refuses is refused with its reason, and nothing was sent', async () => {
    await over('OlderToken', 'Older USD')
    const { payment } = await stage.charge(await stage.payer(10n), 30n)
    expect(await stage.desk.settle(payment)).toEqual({ status: 'refused', reason: 'insufficient-balance' })
    expect(await stage.ledger.intentsFor(payment.id)).toEqual([])
  })
})

describe('a token that says nothing of its authorizations', () => {
  const expired = () => local.testClient.increaseTime({ seconds: 4_000 }).then(() => local.mine(1))

  test('default: our own transaction settles by its Transfer log', async () => {
    await over('MuteToken', 'Mute USD')
    const { payment } = await stage.charge(await stage.payer(), 30n)
    expect(await stage.desk.settle(payment)).toMatchObject({ status: 'settled' })
    expect(await stage.held()).toBe(30n)
  })

  test('behavior: submitted by somebody else: unknown until it has expired, then credit by its Transfer log', async () => {
    await over('MuteToken', 'Mute USD')
    const payer = await stage.payer()
    const earlier = await stage.charge(payer, 40n)
    const booked = await stage.desk.settle(earlier.payment)
    if (booked.status !== 'settled') throw new Error(booked.reason)
    await stage.ledger.settled({ paymentId: earlier.payment.id, ref: booked.ref, deliver: 'delivered' })
    const { payment, order } = await stage.charge(payer, 40n)
    const data = TokenCalls.transferWithAuthorization(order.message, order.signature)
    const transaction = await local.walletClient(payer).sendTransaction({ to: stage.token, data })
    expect(await stage.desk.settle(payment)).toEqual({ status: 'unknown', reason: 'token-does-not-say' })
    await stage.ledger.unknown(payment.id, 'token-does-not-say')
    await stage.resolver.tick()
    expect(await money(payment.id)).toBe('unknown')
    await expired()
    await stage.resolver.tick()
    expect(must(await stage.ledger.payment({ id: payment.id }))).toMatchObject({
      money: 'credited',
      transaction,
    })
    expect(await stage.ledger.chainEntries(stage.chain.id)).toHaveLength(2)
  })

  test('behavior: never moved: void once it has expired, though the payer paid as much before', async () => {
    await over('MuteToken', 'Mute USD')
    const payer = await stage.payer(45n)
    const earlier = await stage.charge(payer, 40n)
    const booked = await stage.desk.settle(earlier.payment)
    if (booked.status !== 'settled') throw new Error(booked.reason)
    await stage.ledger.settled({ paymentId: earlier.payment.id, ref: booked.ref, deliver: 'delivered' })
    const { payment } = await stage.charge(payer, 40n)
    expect(await stage.desk.settle(payment)).toMatchObject({ status: 'unknown' })
    await stage.ledger.unknown(payment.id, 'token-does-not-say')
    await expired()
    await stage.resolver.tick()
    expect(await money(payment.id)).toBe('void')
  })
})

describe('a token whose logs lie', () => {
  const reported = () => stage.reports.filter(({ event }) => event === 'token-lies')

  test('error: a log without a rise of the balance is no payment, whoever looks at it, and an alarm', async () => {
    await over('ForgingToken', 'Forged USD')
    const { payment } = await stage.charge(await stage.payer(), 30n)
    const outcome = await stage.desk.settle(payment)
    expect(outcome).toEqual({ status: 'refused', reason: 'transfer-not-received' })
    expect(reported()).toMatchObject([{ level: 'error', details: { missing: 30n, counts: false } }])
    await stage.ledger.unknown(payment.id, 'interrupted')
    await stage.resolver.tick()
    expect(await money(payment.id)).toBe('void')
    await stage.watcher.poll()
    expect(await money(payment.id)).toBe('void')
    expect(await stage.ledger.chainEntries(stage.chain.id)).toEqual([])
  })

  test('behavior: a token that keeps a part is alarmed about, and its payer is served', async () => {
    await over('ForgingToken', 'Forged USD')
    const abi = parseAbi(['function keepHalf(bool keepsHalf)'])
    const payer = await stage.payer()
    await stage.write(payer, { address: stage.token, abi, functionName: 'keepHalf', args: [true] })
    const { payment } = await stage.charge(payer, 30n)
    expect(await stage.desk.settle(payment)).toMatchObject({ status: 'settled' })
    expect(reported()).toMatchObject([{ details: { missing: 15n, counts: true } }])
    expect(await stage.held()).toBe(15n)
  })
})
