import type { Hex } from 'viem'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import type { Chain } from '../../gateway/chain/Chain.ts'
import * as EscrowCalls from '../../gateway/chain/EscrowCalls.ts'
import * as Account from '../../gateway/ledger/Account.ts'
import { escrowAbi, tokenAbi } from '../../gateway/protocol/abi.ts'
import { createWatcher } from '../../gateway/settlement/Watcher.ts'
import { type LocalChain, startChain } from '../support/chain.ts'
import { createStage, must, type Stage } from './stage.ts'

let local: LocalChain
let stage: Stage
beforeAll(async () => {
  local = await startChain({ accounts: 2 })
})
afterAll(() => local.close())
beforeEach(async () => {
  stage = await createStage(local, { confirmations: 3 })
})
afterEach(() => stage.close())

describe('Watcher.poll', () => {
  test('default: a channel that a stranger opens for us is recorded once it is deep enough', async () => {
    const stranger = await stage.payer()
    const { id } = await stage.open(stranger, 5_000n)
    await stage.watcher.poll()
    expect(await stage.ledger.channel(id)).toBeNull()
    await local.mine(1)
    await stage.watcher.poll()
    expect(await stage.ledger.channel(id)).toBeNull()
    await local.mine(1)
    await stage.watcher.poll()
    expect(await stage.ledger.channel(id)).toMatchObject({
      payer: stranger.address.toLowerCase(),
      signer: stranger.address.toLowerCase(),
      deposit: 5_000n,
      settled: 0n,
      finalized: false,
    })
  })

  test('behavior: a top-up counts at depth, and takes a request to close back at once', async () => {
    const payer = await stage.payer()
    const { id } = await stage.open(payer, 100n)
    await local.mine(2)
    await stage.watcher.poll()
    await stage.escrow(payer, 'requestClose', [id])
    await stage.watcher.poll()
    // Seen at depth 1 of 3: settling early harms nobody.
    expect(stage.closeRequests).toEqual([id])
    expect(must(await stage.ledger.channel(id)).closeRequestedAt).toBe(await local.time())

    await stage.escrow(payer, 'topUp', [id, 50n])
    await stage.watcher.poll()
    expect(await stage.ledger.channel(id)).toMatchObject({ closeRequestedAt: null, deposit: 100n })
    await local.mine(2)
    await stage.watcher.poll()
    expect(await stage.ledger.channel(id)).toMatchObject({ closeRequestedAt: null, deposit: 150n })
  })

  test('behavior: a request to close that a reorganisation takes away is forgotten', async () => {
    const payer = await stage.payer()
    const { id } = await stage.open(payer, 100n)
    await local.mine(2)
    await stage.watcher.poll()
    const snapshot = await local.testClient.snapshot()
    await stage.escrow(payer, 'requestClose', [id])
    await stage.watcher.poll()
    expect(must(await stage.ledger.channel(id)).closeRequestedAt).not.toBeNull()
    await local.testClient.revert({ id: snapshot })
    await local.mine(1)
    await stage.watcher.poll()
    expect(must(await stage.ledger.channel(id)).closeRequestedAt).toBeNull()
  })

  test('behavior: a request to close that had counted, and a reorganisation takes away, is forgotten', async () => {
    const payer = await stage.payer()
    const { id } = await stage.open(payer, 100n)
    await local.mine(2)
    await stage.watcher.poll()
    const snapshot = await local.testClient.snapshot()
    await stage.escrow(payer, 'requestClose', [id])
    await local.mine(4)
    await stage.watcher.poll()
    expect(must(await stage.ledger.channel(id)).closeRequestedAt).not.toBeNull()
    await local.testClient.revert({ id: snapshot })
    await local.mine(9)
    await stage.watcher.poll()
    expect(must(await stage.ledger.channel(id)).closeRequestedAt).toBeNull()
  })

  test('behavior: what moved below the cursor, in blocks that took the place of those read, is booked', async () => {
    const payer = await stage.payer()
    const { payment, order } = await stage.charge(payer, 70n)
    await stage.ledger.void(payment.id, 'It was given up.')
    await stage.watcher.poll()
    const snapshot = await local.testClient.snapshot()
    await local.mine(6)
    const { next } = await stage.watcher.poll()
    await local.testClient.revert({ id: snapshot })
    const { from, to, value, validAfter, validBefore, nonce } = order.message
    const hash = await stage.write(payer, {
      address: local.token,
      abi: tokenAbi,
      functionName: 'transferWithAuthorization',
      args: [from, to, value, validAfter, validBefore, nonce, order.signature],
    })
    const { blockNumber } = await local.publicClient.getTransactionReceipt({ hash })
    expect(blockNumber).toBeLessThan(next)
    await local.mine(8)
    // A dead process read those blocks; the one that comes after it knows them by their hashes.
    await stage.close(false)
    const { key, folder, fromBlock } = stage
    stage = await createStage(local, { key, folder, fromBlock, confirmations: 3 })
    await stage.watcher.poll()
    expect(must(await stage.ledger.payment({ id: payment.id }))).toMatchObject({ money: 'credited' })
    expect(stage.reports.map(({ event }) => event)).toContain('chain-read-again')
  })

  test('behavior: a mark that a dead process left, and the escrow does not confirm, is taken back', async () => {
    const payer = await stage.payer()
    const { id } = await stage.open(payer, 100n)
    await local.mine(2)
    await stage.watcher.poll()
    await stage.ledger.closeRequested(id, 1)
    await stage.close(false)
    const { key, folder, fromBlock } = stage
    stage = await createStage(local, { key, folder, fromBlock, confirmations: 3 })
    await stage.watcher.poll()
    expect(must(await stage.ledger.channel(id)).closeRequestedAt).toBeNull()
  })

  test('behavior: the end of a channel by withdrawal is followed, and what was unsettled is named', async () => {
    const payer = await stage.payer()
    const { id } = await stage.open(payer, 100n)
    await local.mine(2)
    await stage.watcher.poll()
    await stage.spend(payer, id, 40n, 40n)
    await stage.escrow(payer, 'requestClose', [id])
    await local.testClient.increaseTime({ seconds: 901 })
    await stage.escrow(payer, 'withdraw', [id])
    await local.mine(2)
    await stage.watcher.poll()
    expect(await stage.ledger.channel(id)).toMatchObject({ finalized: true, settled: 0n })
    expect(stage.reports).toContainEqual(
      expect.objectContaining({ level: 'error', event: 'channel-ended-unsettled' }),
    )
    expect(await stage.ledger.audit()).toMatchObject({ balanced: true })
  })

  test('behavior: reads in bounded ranges, and a second gateway on the same books changes nothing', async () => {
    const payer = await stage.payer()
    const { id } = await stage.open(payer, 1_000n)
    await local.mine(30)
    const { next } = await stage.watcher.poll()
    expect(next).toBe((await local.publicClient.getBlockNumber()) - 1n)
    await stage.ledger.setCursor(stage.chain.id, stage.fromBlock)
    const before = await stage.ledger.channel(id)
    await stage.watcher.poll()
    expect(await stage.ledger.channel(id)).toEqual(before)
  })

  test('behavior: gets past a node that hides every third receipt, with blocks enough to meet one each time', async () => {
    const payer = await stage.payer()
    const transfer = { abi: tokenAbi, functionName: 'transfer', args: [stage.chain.payee, 1n] } as const
    for (let count = 0; count < 8; count += 1)
      await local.walletClient(payer).writeContract({ ...transfer, address: local.token })
    await local.mine(3)
    let asked = 0
    const hides: Chain = {
      ...stage.chain,
      receipt: async (hash) => {
        asked += 1
        return asked % 3 === 0 ? null : stage.chain.receipt(hash)
      },
    }
    const { ledger, book, fromBlock } = stage
    const watcher = createWatcher({ ledger, chain: hides, book, fromBlock, tokens: [local.token] })
    const head = await local.publicClient.getBlockNumber()
    for (let polls = 0; polls < 20; polls += 1) await watcher.poll().catch(() => null)
    expect(await ledger.cursor(stage.chain.id)).toBe(head - 1n)
  })
})

describe('ChannelBook', () => {
  test('behavior: applying a settlement twice, from the transaction and from the watcher, books it once', async () => {
    const payer = await stage.payer()
    const { id } = await stage.open(payer, 1_000n)
    await local.mine(2)
    await stage.watcher.poll()
    await stage.spend(payer, id, 400n, 400n)
    const settling = stage.settler.tick()
    await local.publicClient.waitForTransactionReceipt({ hash: await hashOf(id, 0) })
    await local.mine(2)
    expect(await settling).toMatchObject({ settled: 1 })
    const mined = must(await stage.chain.receipt(await hashOf(id, 0)))
    await stage.book.apply(mined)
    await stage.watcher.poll()
    await stage.ledger.setCursor(stage.chain.id, stage.fromBlock)
    await stage.watcher.poll()
    expect(await stage.ledger.channel(id)).toMatchObject({ settled: 400n })
    expect(await stage.balance(Account.treasury)).toMatchObject({ posted: -400n })
    expect(await stage.ledger.chainEntries(stage.chain.id)).toHaveLength(1)
  })

  test('behavior: a log that comes before an earlier one is left to the watcher', async () => {
    const payer = await stage.payer()
    const { id } = await stage.open(payer, 1_000n)
    await local.mine(2)
    await stage.watcher.poll()
    for (const cumulative of [100n, 250n]) {
      const signature = await stage.sign(payer, id, cumulative)
      const data = EscrowCalls.settle({ channelId: id, cumulative, signature })
      const waiting = stage.chain.submit({ kind: 'settle', subjects: [id], to: local.escrow, data })
      await local.publicClient.waitForTransactionReceipt({
        hash: await hashOf(id, cumulative === 100n ? 0 : 1),
      })
      await local.mine(2)
      const outcome = await waiting
      if (outcome.status !== 'succeeded') throw new Error(outcome.status)
      // The first one's end is never heard of.
      if (cumulative === 250n) await stage.book.apply(outcome.mined)
    }
    expect(await stage.ledger.channel(id)).toMatchObject({ settled: 0n })
    await stage.watcher.poll()
    expect(await stage.ledger.channel(id)).toMatchObject({ settled: 250n })
    const amounts = (await stage.ledger.chainEntries(stage.chain.id)).map(({ amount }) => amount)
    expect(new Set(amounts)).toEqual(new Set([100n, 150n]))
  })

  test('behavior: follow books a payer’s own open and top-up by hash, at depth', async () => {
    const payer = await stage.payer()
    const { id, hash } = await stage.open(payer, 1_000n)
    expect(await stage.book.follow(hash, id)).toBe('pending')
    await local.mine(2)
    expect(await stage.book.follow(hash, id)).toBe('booked')
    expect(await stage.ledger.channel(id)).toMatchObject({ deposit: 1_000n })
    const topUp = await stage.escrow(payer, 'topUp', [id, 11n])
    expect(await stage.book.follow(topUp, id)).toBe('pending')
    await local.mine(2)
    expect(await stage.book.follow(topUp, id)).toBe('booked')
    expect(await stage.book.follow(topUp, id)).toBe('booked')
    expect(await stage.ledger.channel(id)).toMatchObject({ deposit: 1_011n })
  })

  test('error: follow tells apart what is unknown, not about the channel, and reverted', async () => {
    const payer = await stage.payer()
    const { id, hash } = await stage.open(payer, 1_000n)
    const other = await stage.open(payer, 1_000n)
    await local.mine(2)
    expect(await stage.book.follow(`0x${'77'.repeat(32)}`, id)).toBe('pending')
    expect(await stage.book.follow(other.hash, id)).toBe('not-ours')
    const reverted = await local
      .walletClient(payer)
      .writeContract({
        address: local.escrow,
        abi: escrowAbi,
        functionName: 'withdraw',
        args: [id],
        gas: 200_000n,
      })
      .catch(async () => {
        const block = await local.publicClient.getBlock()
        return must(block.transactions.at(-1))
      })
    expect(await stage.book.follow(reverted, id)).toBe('reverted')
    expect(await stage.book.follow(hash, id)).toBe('booked')
  })

  test('error: a channel of another payee is never recorded', async () => {
    const other = await createStage(local)
    const payer = await stage.payer()
    const theirs = await other.open(payer, 1_000n)
    await local.mine(2)
    await stage.watcher.poll()
    expect(await stage.book.follow(theirs.hash, theirs.id)).toBe('not-ours')
    expect(await stage.book.sync(theirs.id)).toBeNull()
    expect(await stage.ledger.channel(theirs.id)).toBeNull()
    await other.close()
  })
})

/** Hash of the n-th transaction about a channel, as soon as it is in the ledger. */
function hashOf(id: Hex, position: number): Promise<Hex> {
  return vi.waitFor(async () => must((await stage.ledger.intentsFor(id)).at(position)).hash)
}
