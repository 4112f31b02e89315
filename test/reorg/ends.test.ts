import type { Hex } from 'viem'
import { describe, expect, test } from 'vitest'
import * as Account from '../../gateway/ledger/Account.ts'
import { must } from '../settlement/stage.ts'
import { local, setStage, stage } from './stage-for-each.ts'

/** Closes, withdrawals by payers and settlements that the chain takes back, each in a real reorganisation. */

const channel = async (id: Hex) => must(await stage.ledger.channel(id))
const lost = async () => (await stage.balance(Account.loss)).posted

/** A channel of 1,000 with 300 spent, under a voucher of 500. */
async function used() {
  const payer = await stage.payer()
  const { id } = await stage.open(payer, 1_000n)
  await stage.watcher.poll()
  await stage.spend(payer, id, 300n, 300n)
  await stage.ledger.acceptVoucher({
    channelId: id,
    cumulative: 500n,
    signature: await stage.sign(payer, id, 500n),
    minDelta: 0n,
    now: stage.time.now,
  })
  return { payer, id }
}

describe('a close that is taken back', () => {
  test('default: the very same transaction is sent again; the channel stays closed all the while', async () => {
    const { id } = await used()
    await stage.reorganise(async () =>
      expect(await stage.settler.close(id)).toMatchObject({ status: 'closed' }),
    )
    expect(must(await stage.chain.channel(id)).finalized).toBe(false)
    await stage.rest()
    expect(must(await stage.chain.channel(id))).toMatchObject({ finalized: true, settled: 300n })
    expect(await channel(id)).toMatchObject({ finalized: true, settled: 300n, spent: 300n })
    expect(stage.reported('close-reversed')).toEqual([])
    expect((await stage.ledger.intentsFor(id)).length).toBe(1)
  })

  test('behavior: its nonce is used: the channel is open again, and is closed again in a new transaction', async () => {
    const { id } = await used()
    await stage.reorganise(() => stage.settler.close(id), stage.takeNonce)
    await stage.rest()
    expect(stage.reported('close-reversed')).toMatchObject([{ channel: id, again: true }])
    expect(must(await stage.chain.channel(id))).toMatchObject({ finalized: true, settled: 300n })
    expect(await channel(id)).toMatchObject({ finalized: true, settled: 300n, spent: 300n })
    expect(await lost()).toBe(0n)
    expect((await stage.ledger.intentsFor(id)).length).toBe(2)
  })

  test('behavior: its payer withdrew in its place: what was settled is not, and the books say so', async () => {
    const { payer, id } = await used()
    await stage.escrow(payer, 'requestClose', [id])
    await local.testClient.increaseTime({ seconds: 901 })
    await stage.reorganise(
      () => stage.settler.close(id),
      async () => {
        await stage.escrow(payer, 'withdraw', [id])
        await stage.takeNonce()
      },
    )
    await stage.rest()
    expect(await channel(id)).toMatchObject({ finalized: true, settled: 0n, spent: 300n })
    expect(await lost()).toBe(-300n)
    expect((await stage.balance(Account.treasury)).posted).toBe(0n)
  })

  test('behavior: found open while we were down, it is followed at the next look', async () => {
    const { id } = await used()
    await stage.reorganise(() => stage.settler.close(id), stage.takeNonce)
    await stage.close(false)
    const { key, folder, fromBlock } = stage
    await setStage({ key, folder, fromBlock })
    await stage.rest()
    expect(await channel(id)).toMatchObject({ finalized: true, settled: 300n })
  })
})

describe("a payer's withdrawal that is taken back", () => {
  test('default: the channel is open again, and what was lost is settled in time', async () => {
    const { payer, id } = await used()
    await stage.escrow(payer, 'requestClose', [id])
    await local.testClient.increaseTime({ seconds: 901 })
    await stage.reorganise(async () => {
      await stage.escrow(payer, 'withdraw', [id])
      await stage.watcher.poll()
      expect(await channel(id)).toMatchObject({ finalized: true })
      expect(await lost()).toBe(-300n)
    })
    await stage.rest()
    expect(must(await stage.chain.channel(id))).toMatchObject({ finalized: true, settled: 300n })
    expect(await channel(id)).toMatchObject({ finalized: true, settled: 300n })
    expect(await lost()).toBe(0n)
  })

  test('behavior: and withdrawn again: the same end by another log', async () => {
    const { payer, id } = await used()
    await stage.escrow(payer, 'requestClose', [id])
    await local.testClient.increaseTime({ seconds: 901 })
    const withdraw = () => stage.escrow(payer, 'withdraw', [id])
    await stage.reorganise(async () => {
      await withdraw()
      await stage.watcher.poll()
    }, withdraw)
    await stage.rest()
    expect(await channel(id)).toMatchObject({ finalized: true, settled: 0n })
    expect(await lost()).toBe(-300n)
  })
})

describe('settlements that are taken back', () => {
  test('default: two, and one in their place: one entry, as on chain', async () => {
    const { payer, id } = await used()
    await stage.reorganise(
      async () => {
        await stage.settler.tick()
        await stage.spend(payer, id, 700n, 400n)
        await stage.settler.tick()
        expect(await channel(id)).toMatchObject({ settled: 700n })
      },
      async () => {
        await stage.takeNonce()
        await stage.takeNonce()
      },
    )
    await stage.rest()
    expect(await channel(id)).toMatchObject({ settled: 700n, spent: 700n, finalized: false })
    expect(await stage.ledger.chainEntries(stage.chain.id)).toHaveLength(1)
    expect(stage.reported('settlement-reversed')).toMatchObject([{ channel: id, settled: 0n, before: 700n }])
  })

  test('behavior: only the second is gone: the first is left as it was', async () => {
    const { payer, id } = await used()
    await stage.settler.tick()
    await stage.spend(payer, id, 700n, 400n)
    await stage.reorganise(() => stage.settler.tick(), stage.takeNonce)
    await stage.rest()
    const entries = await stage.ledger.chainEntries(stage.chain.id)
    expect(new Set(entries.map(({ amount }) => amount))).toEqual(new Set([300n, 400n]))
  })
})

describe('a deposit that is taken back', () => {
  test('default: a top-up that no voucher reaches is taken off, and the channel goes on without it', async () => {
    const { payer, id } = await used()
    await stage.reorganise(async () => {
      await stage.escrow(payer, 'topUp', [id, 5_000n])
      await stage.watcher.poll()
      expect(await channel(id)).toMatchObject({ deposit: 6_000n })
    })
    await stage.rest()
    expect(await channel(id)).toMatchObject({ deposit: 1_000n, depositMissing: 0n, inDebt: 0n })
    await stage.spend(payer, id, 900n, 600n)
    await stage.escrow(payer, 'topUp', [id, 5_000n])
    await stage.watcher.poll()
    expect(await channel(id)).toMatchObject({ deposit: 6_000n })
  })
})
