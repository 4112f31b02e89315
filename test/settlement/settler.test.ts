import type { Hex } from 'viem'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { silent } from '../../gateway/chain/Report.ts'
import * as Account from '../../gateway/ledger/Account.ts'
import { createClose } from '../../gateway/settlement/close.ts'
import { InFlight } from '../../gateway/settlement/InFlight.ts'
import { reconcile } from '../../gateway/settlement/reconcile.ts'
import { type LocalChain, startChain } from '../support/chain.ts'
import { createStage, must, type Stage } from './stage.ts'

let local: LocalChain
let stage: Stage
beforeAll(async () => {
  local = await startChain()
})
afterAll(() => local.close())
beforeEach(async () => {
  stage = await createStage(local)
})
afterEach(() => stage.close())

const differences = async () =>
  (
    await reconcile({
      ledger: stage.ledger,
      chain: stage.chain,
      tokens: [local.token],
      fromBlock: stage.fromBlock,
    })
  ).differences

describe('Settler.tick', () => {
  test('default: settles one due channel with its best spent voucher and books it from the log', async () => {
    const payer = await stage.payer()
    const { id } = await stage.open(payer)
    await stage.watcher.poll()
    await stage.spend(payer, id, 300n, 300n)
    await stage.spend(payer, id, 1_000n, 500n)

    expect(await stage.settler.tick()).toEqual({ settled: 1, refused: 0, unknown: 0 })
    // The voucher of 1,000 covers 800 spent; only the one of 300 is spent whole.
    expect(await stage.held()).toBe(300n)
    expect(await stage.ledger.channel(id)).toMatchObject({ settled: 300n, spent: 800n, accepted: 1_000n })
    expect(await stage.balance(Account.treasury)).toMatchObject({ posted: -300n })
    expect(await stage.settler.tick()).toEqual({ settled: 0, refused: 0, unknown: 0 })
    expect(await differences()).toEqual([])
  })

  test('behavior: settles many channels in one transaction with one transfer, at most maxBatch in each', async () => {
    const payer = await stage.payer()
    const ids: Hex[] = []
    for (let index = 0; index < 12; index += 1) ids.push((await stage.open(payer)).id)
    await stage.watcher.poll()
    for (const [index, id] of ids.entries())
      await stage.spend(payer, id, BigInt(index + 1), BigInt(index + 1))

    expect(await stage.settler.tick()).toEqual({ settled: 12, refused: 0, unknown: 0 })
    expect(await stage.held()).toBe(78n)
    const entries = await stage.ledger.chainEntries(stage.chain.id)
    expect(entries).toHaveLength(12)
    expect(new Set(entries.map(({ ref }) => ref.transaction)).size).toBe(2)
    expect(await differences()).toEqual([])
  })

  test('behavior: a poisoned voucher is skipped and quarantined; the others of its batch are paid', async () => {
    const payer = await stage.payer()
    const ids: Hex[] = []
    for (let index = 0; index < 5; index += 1) ids.push((await stage.open(payer)).id)
    await stage.watcher.poll()
    const bad = must(ids[2])
    for (const id of ids)
      await stage.spend(
        payer,
        id,
        100n,
        100n,
        id === bad ? await stage.sign(payer, must(ids[0]), 100n) : undefined,
      )

    expect(await stage.settler.tick()).toEqual({ settled: 4, refused: 1, unknown: 0 })
    expect(await stage.held()).toBe(400n)
    expect(stage.settler.quarantined().get(bad)).toMatchObject({ reason: 'invalid-signature', failures: 1 })
    expect(await stage.ledger.channel(bad)).toMatchObject({ settled: 0n, spent: 100n })
    // Held back now, asked again later, and never in the way of the others.
    expect(await stage.settler.tick()).toEqual({ settled: 0, refused: 0, unknown: 0 })
    stage.time.now += 31_000
    expect(await stage.settler.tick()).toEqual({ settled: 0, refused: 1, unknown: 0 })
    expect(await differences()).toEqual([])
  })

  test('behavior: after a long look for thresholds it rests, and still finds what is old (a million channels leave time for calls)', async () => {
    await stage.close()
    const schedule = { thresholds: new Map([[local.token, 100n]]), maxAgeMs: 40_000 }
    stage = await createStage(local, { schedule })
    const { ledger, settler, time } = stage
    const asked: (bigint | null)[] = []
    const dueChannels = ledger.dueChannels
    ledger.dueChannels = (given) => {
      asked.push(given.least)
      if (given.least !== null) time.now += 1_000
      return dueChannels(given)
    }
    const payer = await stage.payer()
    const [first, large, small] = [
      await stage.open(payer),
      await stage.open(payer),
      await stage.open(payer),
    ].map(({ id }) => id)
    await stage.watcher.poll()
    const settled = async () => (await settler.tick()).settled
    await stage.spend(payer, must(first), 100n, 100n)
    expect(await settled()).toBe(1)
    await stage.spend(payer, must(small), 5n, 5n)
    time.now += 39_500
    await stage.spend(payer, must(large), 100n, 100n)
    expect(await settled()).toBe(0)
    time.now += 500
    expect(await settled()).toBe(1)
    expect(await ledger.channel(must(small))).toMatchObject({ settled: 5n })
    time.now += 9_000
    expect(await settled()).toBe(1)
    expect(await ledger.channel(must(large))).toMatchObject({ settled: 100n })
    expect(asked).toEqual([100n, null, null, 100n])
  })

  test('behavior: two ticks at once settle each channel once', async () => {
    const payer = await stage.payer()
    const { id } = await stage.open(payer)
    await stage.watcher.poll()
    await stage.spend(payer, id, 50n, 50n)
    const ticks = await Promise.all([stage.settler.tick(), stage.settler.tick(), stage.settler.tick()])
    expect(ticks.map(({ settled }) => settled).sort()).toEqual([0, 0, 1])
    expect(await stage.ledger.intentsFor(id)).toHaveLength(1)
  })

  test('behavior: while the outcome of its transaction is unknown a channel is left to the resolver', async () => {
    const { key, folder, fromBlock } = stage
    await stage.close(false)
    stage = await createStage(local, { key, folder, fromBlock, timeoutMs: 200 })
    const payer = await stage.payer()
    const { id } = await stage.open(payer)
    await stage.watcher.poll()
    await stage.spend(payer, id, 50n, 50n)
    await local.testClient.setAutomine(false)
    try {
      expect(await stage.settler.tick()).toEqual({ settled: 0, refused: 0, unknown: 1 })
      await stage.spend(payer, id, 80n, 30n)
      expect(await stage.settler.tick()).toEqual({ settled: 0, refused: 0, unknown: 0 })
      expect(await stage.settler.close(id)).toMatchObject({ status: 'unknown' })
      expect(await stage.ledger.intentsFor(id)).toHaveLength(1)
      await local.mine(1)
    } finally {
      await local.testClient.setAutomine(true)
    }
    await stage.resolver.tick()
    expect(await stage.ledger.channel(id)).toMatchObject({ settled: 50n })
    expect(await stage.settler.tick()).toMatchObject({ settled: 1 })
    expect(await stage.ledger.channel(id)).toMatchObject({ settled: 80n, finalized: false })
    expect(await differences()).toEqual([])
  })

  test('behavior: a channel whose payer asks to close is closed at once with the final voucher', async () => {
    const payer = await stage.payer()
    const { id } = await stage.open(payer, 10_000n)
    await stage.watcher.poll()
    await stage.spend(payer, id, 700n, 600n)
    const before = await stage.chain.balanceOf(local.token, payer.address)
    await stage.escrow(payer, 'requestClose', [id])
    const seen = await stage.watcher.poll()
    expect(seen.closeRequests).toBe(1)
    expect(stage.closeRequests).toEqual([id])

    expect(await stage.settler.tick()).toMatchObject({ settled: 1 })
    expect(await stage.ledger.channel(id)).toMatchObject({ finalized: true, settled: 700n })
    expect(await stage.held()).toBe(700n)
    // What the final voucher is above what was spent is credit of the payer.
    expect(await stage.balance(Account.wallet(payer.address))).toMatchObject({ posted: 100n })
    expect(await stage.chain.balanceOf(local.token, payer.address)).toBe(before + 9_300n)
    await stage.watcher.poll()
    expect(await differences()).toEqual([])
    expect(await stage.ledger.audit()).toMatchObject({ balanced: true })
  })
})

describe('Settler.close', () => {
  test('default: closes with the lowest voucher that covers what was spent and refunds the rest', async () => {
    const payer = await stage.payer()
    const { id } = await stage.open(payer, 5_000n)
    await stage.watcher.poll()
    await stage.spend(payer, id, 2_000n, 900n)
    const signature = await stage.sign(payer, id, 900n)
    const outcome = await stage.settler.close(id, { cumulative: 900n, signature })
    expect(outcome).toMatchObject({ status: 'closed', transaction: expect.stringMatching(/^0x/) })
    expect(await stage.held()).toBe(900n)
    expect(await stage.ledger.channel(id)).toMatchObject({ finalized: true, settled: 900n, spent: 900n })
    expect(await stage.settler.close(id)).toEqual(outcome)
    expect(await differences()).toEqual([])
  })

  test('behavior: a process that dies before it sends has kept the last voucher: its successor closes with that', async () => {
    const payer = await stage.payer()
    const { id } = await stage.open(payer, 5_000n)
    await stage.watcher.poll()
    await stage.spend(payer, id, 2_000n, 900n)
    const signature = await stage.sign(payer, id, 900n)
    const sending = Promise.withResolvers<void>()
    const dies = createClose({
      ...stage,
      chain: {
        ...stage.chain,
        submit: () => {
          sending.resolve()
          return new Promise(() => {})
        },
      },
      inFlight: new InFlight(),
      report: silent,
    })
    void dies(id, { cumulative: 900n, signature })
    await sending.promise

    expect(await stage.settler.tick()).toMatchObject({ settled: 1 })
    expect(await stage.ledger.channel(id)).toMatchObject({ finalized: true, settled: 900n, spent: 900n })
    expect(await stage.balance(Account.wallet(payer.address))).toMatchObject({ posted: 0n })
    expect(await differences()).toEqual([])
  })

  test('behavior: where all that was spent is settled, a voucher above it is not brought', async () => {
    const payer = await stage.payer()
    const { id } = await stage.open(payer, 5_000n)
    await stage.watcher.poll()
    await stage.spend(payer, id, 300n, 300n)
    expect(await stage.settler.tick([id])).toMatchObject({ settled: 1 })
    await stage.spend(payer, id, 800n, 0n)
    expect(await stage.settler.close(id)).toMatchObject({ status: 'closed' })
    expect(await stage.ledger.channel(id)).toMatchObject({ finalized: true, settled: 300n, spent: 300n })
  })

  test('error: refuses a last voucher that does not cover what was spent, and the channel takes calls again', async () => {
    const payer = await stage.payer()
    const { id } = await stage.open(payer, 5_000n)
    await stage.watcher.poll()
    await stage.spend(payer, id, 2_000n, 900n)
    const voucher = { cumulative: 800n, signature: await stage.sign(payer, id, 800n) }
    expect(await stage.settler.close(id, voucher)).toEqual({ status: 'refused', reason: 'below-spent' })
    expect(await stage.ledger.channel(id)).toMatchObject({ closeRequestedAt: null, finalized: false })
  })

  test('behavior: a channel on which nothing was spent is closed without a voucher', async () => {
    const payer = await stage.payer()
    const { id } = await stage.open(payer, 5_000n)
    await stage.watcher.poll()
    expect(await stage.settler.close(id)).toMatchObject({ status: 'closed' })
    expect(await stage.held()).toBe(0n)
    expect(await stage.ledger.channel(id)).toMatchObject({ finalized: true })
  })

  test('error: refuses while a call is running, and the channel takes calls again', async () => {
    const payer = await stage.payer()
    const { id } = await stage.open(payer, 5_000n)
    await stage.watcher.poll()
    const signature = await stage.sign(payer, id, 100n)
    const claimed = await stage.ledger.claim({
      id: 'pay_running',
      key: 'running',
      fingerprint: 'running',
      dialect: 'mpp',
      wallet: payer.address,
      route: 'weather',
      asset: must(await stage.ledger.channel(id)).asset,
      amount: 100n,
      earns: Account.revenue('weather'),
      now: stage.time.now,
      from: { rail: 'channel', channelId: id, cumulative: 100n, signature, minDelta: 0n, reusable: false },
    })
    expect(claimed.outcome).toBe('fresh')
    expect(await stage.settler.close(id)).toEqual({ status: 'refused', reason: 'calls-in-flight' })
    expect(await stage.ledger.channel(id)).toMatchObject({ closeRequestedAt: null, finalized: false })
  })

  test('error: an unknown channel is refused', async () => {
    expect(await stage.settler.close(`0x${'ab'.repeat(32)}`)).toEqual({
      status: 'refused',
      reason: 'channel-not-found',
    })
  })
})
