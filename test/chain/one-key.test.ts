import { encodeFunctionData } from 'viem'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import type { Chain } from '../../gateway/chain/Chain.ts'
import { tokenAbi } from '../../gateway/protocol/abi.ts'
import { createStage, must, type Stage } from '../settlement/stage.ts'
import { type LocalChain, startChain } from '../support/chain.ts'

/** Two gateways that send from one key and keep one ledger: each has its own connection and its own idea of the nonces. */

let local: LocalChain
let one: Stage
let two: Stage
beforeAll(async () => {
  local = await startChain({ accounts: 2 })
})
afterAll(() => local.close())
beforeEach(async () => {
  one = await createStage(local)
  two = await createStage(local, { key: one.key, folder: one.folder, fromBlock: one.fromBlock })
})
afterEach(async () => {
  await local.testClient.setAutomine(true)
  await two.close(false)
  await one.close()
})

const mint = (amount: bigint, subject: string): Chain.Order => ({
  kind: 'charge',
  subjects: [subject],
  to: local.token,
  data: encodeFunctionData({ abi: tokenAbi, functionName: 'mint', args: [one.chain.payee, amount] }),
})

describe('one key in two gateways', () => {
  test('default: sending at once, each transaction has a nonce of its own, none is replaced and none is missing', async () => {
    const each = 12
    const sent = [one, two].flatMap((stage, of) =>
      Array.from({ length: each }, (_, index) => stage.chain.submit(mint(1n, `pay_${of}_${index}`))),
    )
    const outcomes = await Promise.all(sent)
    expect(outcomes.map(({ status }) => status)).toEqual(Array(2 * each).fill('succeeded'))
    expect(await local.publicClient.getTransactionCount({ address: one.chain.payee })).toBe(2 * each)
    expect(await one.held()).toBe(BigInt(2 * each))
    const mined = await one.ledger.minedIntents(local.chainId, one.chain.payee, 0)
    expect(mined.map(({ nonce }) => nonce)).toEqual(Array.from({ length: 2 * each }, (_, nonce) => nonce))
    expect(await two.ledger.openIntents()).toEqual([])
  })

  test('behavior: the same signed deposit in both is sent once, and both hear what became of it', async () => {
    await local.testClient.setAutomine(false)
    const order = { ...mint(3n, 'deposit'), kind: 'open' as const }
    const both = Promise.all([one.chain.submit(order), two.chain.submit(order)])
    await vi.waitFor(async () => expect(await one.ledger.openIntents()).toMatchObject([{ state: 'sent' }]))
    await local.mine(1)
    const outcomes = await both
    expect(outcomes.map(({ status }) => status)).toEqual(['succeeded', 'succeeded'])
    expect(outcomes.filter(({ joined }) => joined === true)).toHaveLength(1)
    expect(await one.held()).toBe(3n)
  })

  test('behavior: a channel that one settles is left alone by the other, however both are urged', async () => {
    const payer = await one.payer()
    const { id } = await one.open(payer)
    await one.watcher.poll()
    await one.spend(payer, id, 10n, 10n)
    await local.testClient.setAutomine(false)
    const both = Promise.all([one.settler.tick([id]), two.settler.tick([id])])
    await vi.waitFor(async () => expect(await one.ledger.intentsFor(id)).toMatchObject([{ state: 'sent' }]))
    // Both have looked: one sends, and the other was refused by the books or saw what is under way.
    await vi.waitFor(async () => {
      await local.mine(1)
      expect(must(await one.ledger.channel(id)).settled).toBe(10n)
    })
    const [first, second] = await both
    expect(first.settled + second.settled).toBe(1)
    expect(first.refused + second.refused).toBe(0)
    expect(await one.ledger.intentsFor(id)).toHaveLength(1)
    expect((await one.ledger.audit()).balanced).toBe(true)
  })

  test('behavior: a close in one keeps its mark while the other asks the escrow', async () => {
    const payer = await one.payer()
    const { id } = await one.open(payer)
    await one.watcher.poll()
    await one.spend(payer, id, 10n, 10n)
    await local.testClient.setAutomine(false)
    const closing = one.settler.close(id)
    await vi.waitFor(async () => expect(await one.ledger.intentsFor(id)).toMatchObject([{ state: 'sent' }]))
    expect(must(await two.book.syncClose(id)).closeRequestedAt).not.toBeNull()
    await local.mine(1)
    expect(await closing).toMatchObject({ status: 'closed' })
  })
})
