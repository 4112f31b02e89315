import { join } from 'node:path'
import Database from 'better-sqlite3'
import type { Hex } from 'viem'
import { privateKeyToAccount } from 'viem/accounts'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { tokenAbi } from '../../gateway/protocol/abi.ts'
import { reconcile } from '../../gateway/settlement/reconcile.ts'
import { type LocalChain, startChain } from '../support/chain.ts'
import { createStage, type Stage } from './stage.ts'

let local: LocalChain
let stage: Stage
beforeAll(async () => {
  local = await startChain({ accounts: 2 })
})
afterAll(() => local.close())
beforeEach(async () => {
  stage = await createStage(local)
})
afterEach(() => stage.close())

const compare = () =>
  reconcile({
    ledger: stage.ledger,
    chain: stage.chain,
    tokens: [local.token, local.token18],
    fromBlock: stage.fromBlock,
    maxRange: 5n,
  })

/** Charges, batches, a close and a withdrawal, all watched. */
async function history() {
  const payer = await stage.payer()
  const { payment } = await stage.charge(payer, 70n)
  const outcome = await stage.desk.settle(payment)
  if (outcome.status !== 'settled') throw new Error(outcome.reason)
  await stage.ledger.settled({ paymentId: payment.id, ref: outcome.ref, deliver: 'delivered' })
  const first = await stage.open(payer, 1_000n)
  const second = await stage.open(payer, 2_000n)
  const third = await stage.open(payer, 3_000n)
  await stage.watcher.poll()
  await stage.spend(payer, first.id, 10n, 10n)
  await stage.spend(payer, second.id, 20n, 20n)
  await stage.settler.tick()
  await stage.spend(payer, second.id, 55n, 35n)
  await stage.settler.close(second.id)
  await stage.escrow(payer, 'requestClose', [third.id])
  await local.testClient.increaseTime({ seconds: 901 })
  await stage.escrow(payer, 'withdraw', [third.id])
  await stage.watcher.poll()
  return { payer, first, second, third }
}

describe('reconcile', () => {
  test('default: after a history of charges, batches, a close and a withdrawal the books agree', async () => {
    await history()
    expect(await compare()).toMatchObject({
      differences: [],
      checked: { transfers: 3, entries: 4, channels: 3 },
    })
  })

  test('behavior: an external transfer that was never booked is named, in and out', async () => {
    const { payer } = await history()
    const incoming = await stage.write(payer, {
      address: local.token,
      abi: tokenAbi,
      functionName: 'transfer',
      args: [stage.chain.payee, 9n],
    })
    const outgoing = await stage.write(privateKeyToAccount(stage.key), {
      address: local.token,
      abi: tokenAbi,
      functionName: 'transfer',
      args: [payer.address, 4n],
    })
    const { differences } = await compare()
    expect(differences.map(({ kind, subject }) => [kind, subject])).toEqual([
      ['transfer', incoming],
      ['transfer', outgoing],
    ])
    expect(differences[0]?.text).toMatch(/moved 9 of .* the books have nothing of it/)
    expect(differences[1]?.text).toMatch(/moved 4 of .* away from the payee/)
  })

  test('behavior: a hand-altered ledger row is named on every side that it touches', async () => {
    const { first } = await history()
    const database = new Database(join(stage.folder, 'ledger.sqlite'))
    database.exec(`
      DROP TRIGGER transfers_are_final;
      UPDATE transfers SET amount = '11' WHERE kind = 'settle' AND channel_id = '${first.id}';
      UPDATE channels SET deposit = '5000' WHERE id = '${first.id}';
    `)
    database.close()
    const { differences } = await compare()
    const texts = differences.map(({ text }) => text).join('\n')
    expect(differences.map(({ kind }) => kind)).toEqual(['transfer', 'treasury', 'channel'])
    expect(texts).toMatch(/moved 30 of .* the books have 31 of it/)
    expect(texts).toMatch(/says that 135 arrived; its entries with a chain reference sum to 136/)
    expect(texts).toMatch(/deposit 1000 in the escrow and 5000 in the books/)
  })

  test('behavior: a channel and a settlement that were never read are named', async () => {
    const { payer } = await history()
    const unread = await stage.open(payer, 321n)
    const { differences } = await compare()
    expect(differences).toEqual([
      {
        kind: 'channel',
        subject: unread.id,
        text: `Channel ${unread.id} holds 321 in the escrow for the payee; the books do not have it.`,
      },
    ])
  })

  test('behavior: entries outside of the blocks that are compared are left out on both sides, and count for the treasury', async () => {
    await history()
    const { chain, ledger, fromBlock } = stage
    const asked = { ledger, chain, tokens: [local.token] }
    const head = (await chain.head()).number
    expect(await reconcile({ ...asked, fromBlock: head })).toMatchObject({
      differences: [],
      checked: { transfers: 0, entries: 0, channels: 3 },
    })
    const early = { ...chain, confirmations: Number(head - fromBlock) }
    const { differences, checked } = await reconcile({ ...asked, chain: early, fromBlock })
    expect(checked).toMatchObject({ transfers: 0, entries: 0 })
    // Its channels were opened later.
    expect(new Set(differences.map(({ kind }) => kind))).toEqual(new Set(['channel']))
  })

  test('behavior: of many channels each page is compared with the chain of its own time: what settles meanwhile is no difference', async () => {
    const payer = await stage.payer()
    const [early, late] = [await stage.open(payer, 1_000n), await stage.open(payer, 1_000n)]
    await stage.watcher.poll()
    const asked: Hex[] = []
    const { ledger, chain } = stage
    const { differences, checked } = await reconcile({
      ledger: {
        chainEntries: ledger.chainEntries,
        channel: ledger.channel,
        balance: ledger.balance,
        async channelsOf(of, after = 0) {
          const { channels } = await ledger.channelsOf(of)
          return { channels: channels.slice(after, after + 1), next: after === 1 ? null : after + 1 }
        },
      },
      chain: {
        ...chain,
        async channel(id, at) {
          asked.push(id)
          const found = await chain.channel(id, at)
          if (id !== early.id) return found
          await stage.spend(payer, late.id, 30n, 30n)
          await stage.settler.tick()
          await stage.watcher.poll()
          expect(await ledger.channel(late.id)).toMatchObject({ settled: 30n })
          return found
        },
      },
      tokens: [local.token],
      fromBlock: stage.fromBlock,
    })
    expect(asked).toEqual([early.id, late.id])
    expect(differences).toEqual([])
    expect(checked.channels).toBe(2)
  })

  test('behavior: an entry for a transaction that the chain does not have is named', async () => {
    const payer = await stage.payer()
    const { payment } = await stage.charge(payer, 70n)
    const transaction = `0x${'de'.repeat(32)}` as const
    const ref = { chainId: local.chainId, transaction, logIndex: 0, block: stage.fromBlock + 1n }
    await stage.ledger.settling({ paymentId: payment.id })
    await stage.ledger.settled({ paymentId: payment.id, ref, deliver: 'delivered' })
    const { differences } = await compare()
    expect(differences).toHaveLength(1)
    expect(differences[0]?.text).toMatch(/moved nothing of .* the books have 70 of it/)
  })
})
