import { type Hex, parseAbi } from 'viem'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { reconcile } from '../../gateway/settlement/reconcile.ts'
import { deployContract } from '../../scripts/deploy/deploy-token.ts'
import { type LocalChain, startChain } from '../support/chain.ts'
import { createStage, must, type Stage } from './stage.ts'

// A batch is one transfer. Whoever makes that fail must not keep the others from being paid.

const cappedToken = parseAbi(['function limit(uint256 cap)'])

let local: LocalChain
let stage: Stage
beforeAll(async () => {
  local = await startChain({ accounts: 3 })
})
afterAll(() => local.close())
beforeEach(async () => {
  const clients = {
    walletClient: local.walletClient(must(local.accounts[1])),
    publicClient: local.publicClient,
  }
  const { address: token } = await deployContract({ ...clients, name: 'CappedToken' })
  stage = await createStage(local, { token, maxBatch: 50 })
})
afterEach(() => stage.close())

const limit = (cap: bigint) =>
  stage.write(must(local.accounts[2]), {
    address: stage.token,
    abi: cappedToken,
    functionName: 'limit',
    args: [cap],
  })
const sent = () => local.publicClient.getTransactionCount({ address: stage.chain.payee })
const reported = (event: string) => stage.reports.filter((report) => report.event === event)

async function openSpent(amounts: readonly bigint[]): Promise<Hex[]> {
  const payer = await stage.payer()
  const ids: Hex[] = []
  for (const amount of amounts) ids.push((await stage.open(payer, amount)).id)
  await stage.watcher.poll()
  for (const [index, id] of ids.entries()) {
    const amount = must(amounts[index])
    await stage.spend(payer, id, amount, amount)
  }
  return ids
}

const differences = async () => {
  const { ledger, chain, fromBlock, token } = stage
  return (await reconcile({ ledger, chain, tokens: [token], fromBlock })).differences
}

describe('Settler.tick, a batch that is reverted as a whole', () => {
  test('default: of fifty channels one cannot be paid out: 49 are settled together, it is quarantined', async () => {
    const amounts = Array.from({ length: 50 }, (_, index) => (index === 31 ? 5_000n : 2n))
    const ids = await openSpent(amounts)
    await limit(1_000n)
    expect(await stage.settler.tick()).toEqual({ settled: 49, refused: 1, unknown: 0 })
    expect(await stage.held()).toBe(98n)
    expect([...stage.settler.quarantined().keys()]).toEqual([ids[31]])
    expect(await sent()).toBe(1)
    expect(reported('batch-bisected')).toMatchObject([
      { level: 'error', details: { channels: 50, refused: 1 } },
    ])
    expect(reported('channel-quarantined')).toMatchObject([{ level: 'error', details: { channel: ids[31] } }])
    expect(await differences()).toEqual([])

    // A restart forgets the quarantine and finds the same one again; it is settled once it can be.
    const { key, folder, fromBlock, token } = stage
    await stage.close(false)
    stage = await createStage(local, { key, folder, fromBlock, token })
    expect(await stage.settler.tick()).toEqual({ settled: 0, refused: 1, unknown: 0 })
    await limit(10_000n)
    stage.time.now += 31_000
    expect(await stage.settler.tick()).toEqual({ settled: 1, refused: 0, unknown: 0 })
    expect(await stage.held()).toBe(5_098n)
  })

  test('behavior: a batch that is only too large is settled in parts, and nobody is quarantined', async () => {
    await openSpent([600n, 600n, 600n, 600n])
    await limit(1_200n)
    expect(await stage.settler.tick()).toEqual({ settled: 4, refused: 0, unknown: 0 })
    expect(await stage.held()).toBe(2_400n)
    expect(stage.settler.quarantined().size).toBe(0)
    expect(await sent()).toBe(2)
    expect(await differences()).toEqual([])
  })

  test('behavior: nothing can be paid out: every channel is quarantined, nothing is sent or booked', async () => {
    const ids = await openSpent([3n, 4n, 5n])
    await limit(1n)
    expect(await stage.settler.tick()).toEqual({ settled: 0, refused: 3, unknown: 0 })
    expect([...stage.settler.quarantined().keys()].sort()).toEqual([...ids].sort())
    expect(await sent()).toBe(0)
  })

  test('error: a payee without gas quarantines nobody', async () => {
    await openSpent([3n, 4n])
    await local.testClient.setBalance({ address: stage.chain.payee, value: 0n })
    expect(await stage.settler.tick()).toEqual({ settled: 0, refused: 0, unknown: 2 })
    expect(stage.settler.quarantined().size).toBe(0)
    expect(reported('payee-without-gas')).toHaveLength(1)
    await local.testClient.setBalance({ address: stage.chain.payee, value: 10n ** 20n })
    expect(await stage.settler.tick()).toEqual({ settled: 2, refused: 0, unknown: 0 })
  })
})
