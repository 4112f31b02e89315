import type { Hex } from 'viem'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import * as Account from '../../gateway/ledger/Account.ts'
import type { Ledger } from '../../gateway/ledger/Ledger.ts'
import { openSqliteLedger } from '../../gateway/ledger/sqlite/open-sqlite-ledger.ts'
import {
  alice,
  asset,
  balanceClaim,
  chainId,
  chainRef,
  channelClaim,
  channelId,
  chargeClaim,
  openChannel,
  revenue,
  testClock,
  violations,
} from '../ledger/fixtures.ts'

/** What a reorganisation does to the books, without a chain: every kind of money that can be taken back. */

let ledger: Ledger
beforeEach(async () => {
  ledger = await openSqliteLedger({ path: ':memory:', clock: testClock() })
})
afterEach(async () => {
  expect(await violations(ledger)).toEqual([])
  await ledger.close()
})

let blocks = 0
const ref = (): Ledger.ChainRef & { blockHash: Hex } => {
  blocks += 1
  return { ...chainRef(), blockHash: `0x${blocks.toString(16).padStart(64, '0')}` }
}
const posted = async (account: Account.Account) => (await ledger.balance(account, asset)).posted
const debt = async () => -(await posted(Account.debt(alice)))
const anchorOf = async (subject: string) => {
  const found = (await ledger.reorg.anchors(chainId, 100)).find((anchor) => anchor.subject === subject)
  if (found === undefined) throw new Error(`Nothing is watched of ${subject}.`)
  return found
}
const reverse = async (subject: string, again?: Ledger.ChainRef) =>
  ledger.reorg.reversed({ anchor: (await anchorOf(subject)).id, reason: 'gone', ...(again && { again }) })

async function charged(id: string, deliver: 'delivered' | 'delivering' | 'credit' = 'delivered') {
  const place = ref()
  await ledger.claim(chargeClaim(id))
  await ledger.settled({ paymentId: id, ref: place, deliver })
  return place
}
async function toppedUp(id: string, amount: bigint) {
  await ledger.claim(chargeClaim(id, { amount, earns: Account.wallet(alice) }))
  await ledger.settled({ paymentId: id, ref: ref(), deliver: 'delivered' })
}

describe('reversed', () => {
  test('default: a charge that was served becomes debt, the treasury has less, the route keeps what it earned', async () => {
    await charged('a')
    await reverse('a')
    expect(await debt()).toBe(10n)
    expect(await posted(Account.treasury)).toBe(0n)
    expect(await posted(revenue)).toBe(10n)
    expect(await ledger.payment({ id: 'a' })).toMatchObject({
      money: 'reversed',
      delivery: 'delivered',
      charged: 10n,
    })
  })

  test('behavior: twice is once', async () => {
    await charged('a')
    await reverse('a')
    await reverse('a')
    expect(await debt()).toBe(10n)
  })

  test('behavior: mined again in the same transaction, it is what it was', async () => {
    const place = await charged('a')
    await reverse('a')
    const moved = { ...place, block: place.block + 7n, blockHash: `0x${'0e'.repeat(32)}` as const }
    await ledger.settled({ paymentId: 'a', ref: moved, deliver: 'delivered' })
    await ledger.settled({ paymentId: 'a', ref: moved, deliver: 'delivered' })
    expect(await debt()).toBe(0n)
    expect(await posted(Account.wallet(alice))).toBe(0n)
    expect(await ledger.payment({ id: 'a' })).toMatchObject({ money: 'settled', charged: 10n })
    expect((await anchorOf('a')).ref.block).toBe(moved.block)
    expect(await ledger.chainEntries(chainId)).toHaveLength(1)
    // And taken back a second time.
    await reverse('a')
    expect(await debt()).toBe(10n)
  })

  test('behavior: moved in another transaction: both are booked in one step, and nobody was in debt', async () => {
    await charged('a')
    const again = ref()
    await reverse('a', again)
    expect(await debt()).toBe(0n)
    expect(await ledger.payment({ id: 'a' })).toMatchObject({
      money: 'settled',
      transaction: again.transaction,
    })
    expect(await posted(Account.treasury)).toBe(-10n)
  })

  test('behavior: credit is taken as far as it is there and not held; the rest is debt, until the hold ends', async () => {
    await toppedUp('t', 100n)
    await ledger.claim(balanceClaim('spent', { amount: 30n }))
    await ledger.capture({ paymentId: 'spent', amount: 30n, complete: true })
    await ledger.claim(balanceClaim('held', { amount: 50n }))
    await reverse('t')
    expect(await debt()).toBe(80n)
    expect(await posted(Account.wallet(alice))).toBe(50n)
    await ledger.void('held', 'the upstream failed')
    expect(await ledger.reorg.collect(alice, asset)).toBe(30n)
    expect(await posted(Account.wallet(alice))).toBe(0n)
  })

  test('behavior: what was made good is taken from the credit', async () => {
    await charged('a', 'credit')
    await reverse('a')
    expect(await debt()).toBe(0n)
    expect(await posted(Account.wallet(alice))).toBe(0n)
    expect(await ledger.payment({ id: 'a' })).toMatchObject({ money: 'reversed', delivery: 'failed' })
  })

  test('behavior: a stream that breaks after the reversal is given back, and pays the debt', async () => {
    await charged('a', 'delivering')
    await reverse('a')
    await ledger.refund('a', 'broke')
    expect(await ledger.reorg.collect(alice, asset)).toBe(0n)
    expect(await ledger.payment({ id: 'a' })).toMatchObject({
      money: 'reversed',
      delivery: 'failed',
      charged: 0n,
    })
    expect(await posted(revenue)).toBe(0n)
  })

  test('behavior: the recovery of a loss is a loss again', async () => {
    await ledger.claim(chargeClaim('a'))
    await ledger.complete('a')
    await ledger.lost('a', 'refused')
    await ledger.settled({ paymentId: 'a', ref: ref(), deliver: 'delivered' })
    expect(await posted(Account.loss)).toBe(0n)
    await reverse('a')
    expect(await posted(Account.loss)).toBe(-10n)
    expect(await ledger.payment({ id: 'a' })).toMatchObject({ money: 'lost', charged: 0n })
    await ledger.settled({ paymentId: 'a', ref: ref(), deliver: 'delivered' })
    expect(await posted(Account.loss)).toBe(0n)
  })
})

describe('a wallet in debt', () => {
  test('default: makes no calls on any rail; what it bought before is answered again; a top-up pays the debt first', async () => {
    await openChannel(ledger)
    await charged('a')
    await reverse('a')
    const owed = [{ wallet: alice, asset, owed: 10n }]
    expect(await ledger.claim(chargeClaim('b'))).toEqual({ outcome: 'in-debt', owed })
    expect(await ledger.claim(balanceClaim('c'))).toEqual({ outcome: 'in-debt', owed })
    expect(await ledger.claim(channelClaim('d', 10n))).toEqual({ outcome: 'in-debt', owed })
    expect(await ledger.claim(chargeClaim('a'))).toMatchObject({ outcome: 'replayed' })
    await toppedUp('t', 15n)
    expect(await debt()).toBe(0n)
    expect(await posted(Account.wallet(alice))).toBe(5n)
    expect(await ledger.claim(chargeClaim('b'))).toMatchObject({ outcome: 'fresh' })
  })
})

describe('depositNow', () => {
  const now = (onChain: bigint, gone = false) =>
    ledger.reorg.depositNow({ channel: channelId, onChain, gone })
  const spend = async (id: string, cumulative: bigint, amount: bigint) => {
    await ledger.claim(channelClaim(id, cumulative, { amount }))
    await ledger.capture({ paymentId: id, amount, complete: true })
  }

  test('default: what is missing stops the channel; what was spent above it is debt once it cannot come back', async () => {
    await openChannel(ledger)
    await spend('a', 300n, 300n)
    expect(await now(100n)).toMatchObject({ depositMissing: 900n, inDebt: 0n, deposit: 1_000n })
    expect(await ledger.claim(channelClaim('b', 400n))).toMatchObject({ outcome: 'deposit-missing' })
    expect(await now(100n, true)).toMatchObject({ inDebt: 200n })
    expect(await now(100n, true)).toMatchObject({ inDebt: 200n })
    expect(await debt()).toBe(200n)
    expect(await ledger.unsettled(asset)).toBe(100n)
    expect(await now(1_000n)).toMatchObject({ depositMissing: 0n, inDebt: 0n })
    expect(await debt()).toBe(0n)
    expect(await ledger.unsettled(asset)).toBe(300n)
    expect(await ledger.claim(channelClaim('b', 400n))).toMatchObject({ outcome: 'fresh' })
  })

  test('behavior: what was paid of the debt meanwhile is given back as credit', async () => {
    await openChannel(ledger)
    await spend('a', 300n, 300n)
    await now(0n, true)
    await toppedUp('t', 120n)
    expect(await debt()).toBe(180n)
    await now(1_000n)
    expect(await debt()).toBe(0n)
    expect(await posted(Account.wallet(alice))).toBe(120n)
  })

  test('behavior: a settlement proves that the deposit was there', async () => {
    await openChannel(ledger)
    await spend('a', 300n, 300n)
    await now(0n, true)
    await ledger.channelSettled({ id: channelId, cumulative: 300n, ref: ref(), now: 0 })
    expect(await ledger.channel(channelId)).toMatchObject({ inDebt: 0n, settled: 300n })
    expect(await debt()).toBe(0n)
  })

  test('behavior: closed with part of it in debt: the debt stays, and nothing is lost twice', async () => {
    await openChannel(ledger)
    await spend('a', 300n, 300n)
    await now(100n, true)
    await ledger.channelSettled({ id: channelId, cumulative: 100n, ref: ref(), now: 0 })
    await ledger.channelFinalized(channelId)
    expect(await debt()).toBe(200n)
    expect(await posted(Account.loss)).toBe(0n)
    expect(await ledger.unsettled(asset)).toBe(0n)
  })

  test('behavior: gone for good and reached by no voucher, it is taken off, and the channel goes on', async () => {
    await openChannel(ledger)
    await spend('a', 300n, 300n)
    await now(400n)
    expect(await ledger.claim(channelClaim('b', 400n))).toMatchObject({ outcome: 'deposit-missing' })
    expect(await now(400n, true)).toMatchObject({ deposit: 400n, depositMissing: 0n, inDebt: 0n })
    expect(await now(400n, true)).toMatchObject({ deposit: 400n })
    expect(await ledger.claim(channelClaim('b', 400n))).toMatchObject({ outcome: 'fresh' })
    await ledger.void('b', 'no answer')
    await openChannel(ledger)
    expect(await ledger.channel(channelId)).toMatchObject({ deposit: 1_000n })
  })

  test('behavior: the deposit, seen again, lifts it by itself', async () => {
    await openChannel(ledger)
    await now(0n)
    await openChannel(ledger)
    expect(await ledger.channel(channelId)).toMatchObject({ depositMissing: 0n })
  })
})

describe('resettled', () => {
  const settle = (cumulative: bigint, place = ref()) =>
    ledger.channelSettled({ id: channelId, cumulative, ref: place, now: 0 }).then(() => place)
  const anchorAt = async (place: Ledger.ChainRef) => {
    const all = await ledger.reorg.anchors(chainId, 100)
    const found = all.find((one) => one.kind === 'settle' && one.ref.transaction === place.transaction)
    if (found === undefined) throw new Error('It is not watched.')
    return found
  }
  const resettle = async (
    gone: Ledger.ChainRef[],
    now: { cumulative: bigint; ref: Ledger.ChainRef }[] = [],
  ) => {
    const ids = await Promise.all(gone.map(async (place) => (await anchorAt(place)).id))
    return ledger.reorg.resettled({ channel: channelId, gone: ids, reason: 'gone', now, from: 5n })
  }
  const spend = async (amount: bigint) => {
    await openChannel(ledger)
    await ledger.claim(channelClaim('a', amount, { amount }))
    await ledger.capture({ paymentId: 'a', amount, complete: true })
  }
  const booked = async () =>
    (await ledger.chainEntries(chainId)).map((entry) => [entry.ref.transaction, entry.amount])

  test('default: what is gone is unsettled again, and the watcher steps back in the same step', async () => {
    await spend(300n)
    const place = await settle(300n)
    await ledger.setCursor(chainId, 100n)
    expect(await resettle([place])).toMatchObject({ settled: 0n, spent: 300n })
    expect((await ledger.channel(channelId))?.unsettledSince).not.toBeNull()
    expect(await ledger.channels({ unsettled: true })).toHaveLength(1)
    expect(await ledger.unsettled(asset)).toBe(300n)
    expect(await posted(Account.treasury)).toBe(0n)
    expect(await ledger.cursor(chainId)).toBe(5n)
    await settle(300n)
    expect(await ledger.channel(channelId)).toMatchObject({ settled: 300n, unsettledSince: null })
  })

  test('behavior: two that one other took the place of are one entry, as on chain', async () => {
    await spend(300n)
    const gone = [await settle(100n), await settle(250n)]
    const instead = ref()
    expect(await resettle(gone, [{ cumulative: 250n, ref: instead }])).toMatchObject({ settled: 250n })
    expect(await booked()).toEqual([[instead.transaction, 250n]])
    expect(await ledger.unsettled(asset)).toBe(50n)
  })

  test('behavior: a later one that stands is booked anew with what it settles now, and watched again', async () => {
    await spend(300n)
    const [first, second] = [await settle(100n), await settle(250n)]
    await resettle([first], [{ cumulative: 250n, ref: second }])
    expect(await booked()).toEqual([[second.transaction, 250n]])
    expect(await anchorAt(second)).toMatchObject({ state: 'standing', amount: 250n })
  })

  test('behavior: asked again, nothing changes', async () => {
    await spend(300n)
    const place = await settle(300n)
    const { id } = await anchorAt(place)
    const request = { channel: channelId, gone: [id], reason: 'gone', now: [], from: 5n }
    await ledger.reorg.resettled(request)
    const { events } = (await ledger.audit()).trail
    await ledger.reorg.resettled(request)
    expect((await ledger.audit()).trail.events).toBe(events)
    // Mined again in its old block, as if nothing had been.
    await settle(300n, place)
    expect(await anchorAt(place)).toMatchObject({ state: 'standing' })
    expect(await ledger.channel(channelId)).toMatchObject({ settled: 300n })
  })

  test('behavior: of a channel that pays nothing more it is a loss, until it is settled again', async () => {
    await spend(300n)
    const place = await settle(300n)
    await ledger.channelFinalized(channelId)
    await resettle([place])
    expect(await posted(Account.loss)).toBe(-300n)
    expect(await ledger.unsettled(asset)).toBe(0n)
    await settle(200n)
    expect(await posted(Account.loss)).toBe(-100n)
  })

  test('behavior: with its deposit gone as well, all that was spent is debt', async () => {
    await spend(300n)
    const place = await settle(300n)
    await ledger.reorg.depositNow({ channel: channelId, onChain: 0n, gone: true })
    expect(await debt()).toBe(0n)
    await resettle([place])
    await ledger.reorg.depositNow({ channel: channelId, onChain: 0n, gone: true })
    expect(await debt()).toBe(300n)
    expect(await ledger.unsettled(asset)).toBe(0n)
  })
})

describe('reopened', () => {
  const close = async (place = ref()) => {
    await ledger.channelFinalized(channelId, place)
    const found = (await ledger.reorg.anchors(chainId, 100)).find(({ kind }) => kind === 'close')
    if (found === undefined) throw new Error('Its end is not watched.')
    return { anchor: found.id, place }
  }
  const spent = async () => {
    await openChannel(ledger)
    await ledger.claim(channelClaim('a', 300n, { amount: 100n }))
    await ledger.capture({ paymentId: 'a', amount: 100n, complete: true })
  }

  test('default: what was booked away is there again: unspent value, and what was spent and is not lost', async () => {
    await spent()
    const { anchor } = await close()
    expect(await posted(Account.loss)).toBe(-100n)
    expect(await posted(Account.prepaid(channelId))).toBe(0n)
    await ledger.reorg.reopened({ anchor, reason: 'gone', closeRequestedAt: null })
    expect(await ledger.channel(channelId)).toMatchObject({ finalized: false, accepted: 300n, spent: 100n })
    expect(await posted(Account.loss)).toBe(0n)
    expect(await posted(Account.prepaid(channelId))).toBe(200n)
    expect(await ledger.unsettled(asset)).toBe(100n)
    expect(await ledger.claim(channelClaim('b', 300n, { amount: 200n }))).toMatchObject({ outcome: 'fresh' })
    await ledger.void('b', 'no answer')
  })

  test('behavior: twice is once; closed again with other numbers, the books are as the chain', async () => {
    await spent()
    const { anchor, place } = await close()
    const request = { anchor, reason: 'gone', closeRequestedAt: 7 }
    await ledger.reorg.reopened(request)
    await ledger.reorg.reopened(request)
    expect(await ledger.channel(channelId)).toMatchObject({ finalized: false, closeRequestedAt: 7 })
    await ledger.channelSettled({ id: channelId, cumulative: 60n, ref: ref(), now: 0 })
    await close()
    expect(await ledger.channel(channelId)).toMatchObject({ finalized: true, settled: 60n })
    expect(await posted(Account.loss)).toBe(-40n)
    // The first one, mined again after all: it is as closed as before.
    await close({ ...place, blockHash: `0x${'0f'.repeat(32)}` })
    expect(await posted(Account.loss)).toBe(-40n)
  })

  test('behavior: a close that is final is not taken back', async () => {
    await spent()
    const { anchor } = await close()
    await ledger.reorg.seen([{ id: anchor, state: 'final' }])
    await ledger.reorg.reopened({ anchor, reason: 'late', closeRequestedAt: null })
    expect(await ledger.channel(channelId)).toMatchObject({ finalized: true })
  })
})

describe('readBlocks', () => {
  const to = (block: bigint, after: bigint | null, needed = 0n) =>
    ledger.setCursor(chainId, block, { after, hash: `0x${String(block).padStart(64, '0')}`, needed })
  const blocks = async () => (await ledger.reorg.readBlocks(chainId)).map(({ block }) => block)

  test('default: by the last block of each reading, as far back as is needed and one before', async () => {
    await to(10n, null)
    await to(20n, 10n)
    await to(30n, 20n, 21n)
    await to(40n, 30n, 31n)
    expect(await blocks()).toEqual([39n, 29n])
    expect((await ledger.reorg.readBlocks(1)).length).toBe(0)
  })

  test('behavior: stepping back forgets what was read from there on, and overrules who read on meanwhile', async () => {
    await to(10n, null)
    await to(20n, 10n)
    await ledger.reorg.readAgain(chainId, 15n)
    expect([await ledger.cursor(chainId), await blocks()]).toEqual([15n, [9n]])
    await to(30n, 20n)
    expect(await ledger.cursor(chainId)).toBe(15n)
    await ledger.reorg.readAgain(chainId, 17n)
    expect(await ledger.cursor(chainId)).toBe(15n)
  })
})

describe('anchors', () => {
  test('default: watched until final; seen again alike, nothing is written', async () => {
    await charged('a')
    const { id, state } = await anchorOf('a')
    expect(state).toBe('standing')
    const before = (await ledger.audit()).trail.events
    await ledger.reorg.seen([{ id, state: 'standing' }])
    expect((await ledger.audit()).trail.events).toBe(before)
    await ledger.reorg.seen([{ id, state: 'final' }])
    expect(await ledger.reorg.anchors(chainId, 10)).toEqual([])
    await ledger.reorg.reversed({ anchor: id, reason: 'late' })
    expect(await debt()).toBe(0n)
  })
})
