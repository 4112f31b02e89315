import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { createStage, must, type Stage } from '../settlement/stage.ts'
import { type LocalChain, startChain } from '../support/chain.ts'

let local: LocalChain
let stage: Stage
const accounts = [generatePrivateKey(), generatePrivateKey()].map((key) => ({
  key,
  address: privateKeyToAccount(key).address,
}))
const [one, two] = [must(accounts[0]), must(accounts[1])]

beforeAll(async () => {
  local = await startChain({ accounts: 2 })
})
afterAll(() => local.close())
beforeEach(async () => {
  for (const { address } of accounts) await local.testClient.setBalance({ address, value: 10n ** 20n })
  stage = await createStage(local, { chain: { relayers: accounts.map(({ key }) => key) } })
})
afterEach(async () => {
  await local.testClient.setAutomine(true)
  await stage.close()
})

const count = (address: `0x${string}`) => local.publicClient.getTransactionCount({ address })
const reported = (event: string) => stage.reports.filter((report) => report.event === event)
const charge = async (value = 5n) => {
  const { payment } = await stage.charge(await stage.payer(), value)
  return payment
}

describe('several relaying keys', () => {
  test('default: the one with least to do relays, each with nonces of its own; the payee only settles', async () => {
    const before = await Promise.all(accounts.map(({ address }) => count(address)))
    const payments = [await charge(), await charge(), await charge(), await charge()]
    const payer = await stage.payer()
    const { id } = await stage.open(payer)
    await stage.watcher.poll()
    await stage.spend(payer, id, 10n, 10n)
    await local.testClient.setAutomine(false)
    const all = Promise.all(payments.map((payment) => stage.desk.settle(payment)))
    await vi.waitFor(async () => {
      const sent = (await stage.ledger.openIntents()).filter(({ state }) => state === 'sent')
      expect(sent).toHaveLength(4)
    })
    await local.mine(1)
    expect((await all).map(({ status }) => status)).toEqual(Array(4).fill('settled'))
    await local.testClient.setAutomine(true)
    const after = await Promise.all(accounts.map(({ address }) => count(address)))
    expect(after.map((sent, index) => sent - must(before[index]))).toEqual([2, 2])
    expect(await count(stage.chain.payee)).toBe(0)
    expect(await stage.settler.tick()).toMatchObject({ settled: 1 })
    expect(await count(stage.chain.payee)).toBe(1)
    expect(await stage.held()).toBe(30n)
  })

  test('behavior: a key without gas is told of once and passed over, until it has some again', async () => {
    await local.testClient.setBalance({ address: one.address, value: 0n })
    const before = await count(two.address)
    await stage.chain.assertReady()
    expect(reported('relayer-without-gas')).toMatchObject([
      { details: { relayer: one.address.toLowerCase() } },
    ])
    for (let calls = 0; calls < 2; calls += 1)
      expect(await stage.desk.settle(await charge())).toMatchObject({ status: 'settled' })
    expect(await count(two.address)).toBe(before + 2)
    await local.testClient.setBalance({ address: one.address, value: 10n ** 20n })
    stage.time.now += 31_000
    await stage.chain.tend()
    expect(reported('gas-refilled')).toHaveLength(1)
    expect(reported('relayer-without-gas')).toHaveLength(1)
  })

  test('behavior: every other key is empty: the payee relays, and the payment is settled once', async () => {
    for (const { address } of accounts) await local.testClient.setBalance({ address, value: 0n })
    const payment = await charge()
    expect(await stage.desk.settle(payment)).toMatchObject({ status: 'settled' })
    expect(await count(stage.chain.payee)).toBe(1)
    const states = (await stage.ledger.intentsFor(payment.id)).map(({ state }) => state).sort()
    expect(states.filter((state) => state !== 'dropped')).toEqual(['succeeded'])
    expect(await stage.held()).toBe(5n)
  })

  test('behavior: what a key has sent is followed after it was taken out of the configuration', async () => {
    const payment = await charge()
    await local.testClient.setAutomine(false)
    const settling = stage.desk.settle(payment)
    await vi.waitFor(async () => expect((await stage.ledger.openIntents())[0]?.state).toBe('sent'))
    const { key, folder, fromBlock } = stage
    stage.chain.close()
    await settling
    await stage.close(false)
    await local.mine(1)
    await local.testClient.setAutomine(true)
    stage = await createStage(local, { key, folder, fromBlock })
    await stage.chain.recover()
    await stage.resolver.tick()
    expect(await stage.ledger.openIntents()).toEqual([])
    expect(must(await stage.ledger.payment({ id: payment.id })).money).toBe('credited')
  })
})
