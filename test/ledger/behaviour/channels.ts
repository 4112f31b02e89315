import type { Address, Hex } from 'viem'
import { describe, expect, test } from 'vitest'
import type { AcceptedVoucher } from '../../../gateway/ledger/Channel.ts'
import { AmountError, ChannelMismatchError, ChannelNotFoundError } from '../../../gateway/ledger/errors.ts'
import type { Subject } from '../behaviour.ts'
import {
  alice,
  asset,
  bob,
  chainId,
  chainRef,
  channelClaim,
  channelId,
  openChannel,
  payee,
  signature,
  token,
  violations,
} from '../fixtures.ts'

export function channels({ ledger, clock }: Subject): void {
  const voucher = (cumulative: bigint, minDelta = 0n) =>
    ledger().acceptVoucher({ channelId, cumulative, signature, minDelta, now: clock().now() })
  const spend = async (id: string, cumulative: bigint, amount: bigint) => {
    await ledger().claim(channelClaim(id, cumulative, { amount }))
    await ledger().capture({ paymentId: id, amount, complete: true })
  }

  describe('channelSeen', () => {
    test('default: records what is on chain', async () => {
      await openChannel(ledger(), 100n)
      expect(await ledger().channel(channelId)).toMatchObject({
        id: channelId,
        chainId,
        payer: alice,
        payee,
        deposit: 100n,
        settled: 0n,
        accepted: 0n,
        spent: 0n,
        reserved: 0n,
        voucher: null,
        closeRequestedAt: null,
        finalized: false,
        unsettledSince: null,
      })
    })

    test('behavior: a deposit only grows, whatever order the news arrives in', async () => {
      for (const deposit of [100n, 300n, 200n]) await openChannel(ledger(), deposit)
      expect((await ledger().channel(channelId))?.deposit).toBe(300n)
    })

    test('error: what is fixed for its life is not told otherwise (nobody takes a channel over)', async () => {
      await openChannel(ledger())
      const sides = { escrow: payee, payer: bob, payee, token, asset, signer: alice }
      const seen = { id: channelId, chainId, ...sides, deposit: 9_999n, now: 1 }
      await expect(ledger().channelSeen(seen)).rejects.toThrow(ChannelMismatchError)
      expect((await ledger().channel(channelId))?.deposit).toBe(1_000n)
    })
  })

  describe('acceptVoucher', () => {
    test('default: raises what is accepted; the same voucher again changes nothing', async () => {
      await openChannel(ledger())
      expect(await voucher(10n)).toMatchObject({ outcome: 'accepted', channel: { accepted: 10n } })
      expect(await voucher(10n)).toMatchObject({ outcome: 'replayed', channel: { accepted: 10n } })
      expect(await voucher(4n)).toMatchObject({ outcome: 'replayed', channel: { accepted: 10n } })
      expect((await ledger().channel(channelId))?.voucher).toEqual({ cumulative: 10n, signature })
      expect(await violations(ledger())).toEqual([])
    })

    test('behavior: refusals say which rule', async () => {
      expect((await voucher(10n)).outcome).toBe('channel-not-found')
      await openChannel(ledger(), 100n)
      expect((await voucher(101n)).outcome).toBe('amount-exceeds-deposit')
      expect((await voucher(4n, 5n)).outcome).toBe('delta-too-small')
      expect((await voucher(5n, 5n)).outcome).toBe('accepted')
      await expect(voucher(-1n)).rejects.toThrow(AmountError)
    })
  })

  describe('settleable', () => {
    test('default: the highest voucher that is spent; for the last time, the lowest that covers it', async () => {
      await openChannel(ledger())
      expect(await ledger().settleable(channelId)).toBeNull()
      for (const cumulative of [10n, 20n, 30n]) await voucher(cumulative)
      expect(await ledger().settleable(channelId)).toBeNull()
      await spend('a', 30n, 25n)
      expect(await ledger().settleable(channelId)).toEqual({ cumulative: 20n, signature })
      expect(await ledger().settleable(channelId, { final: true })).toEqual({ cumulative: 30n, signature })
    })

    test('behavior: when no voucher covers what is spent, the last time takes the best there is', async () => {
      await openChannel(ledger())
      await spend('a', 10n, 10n)
      await ledger().channelSettled({ id: channelId, cumulative: 15n, ref: chainRef(), now: 1 })
      expect(await ledger().settleable(channelId, { final: true })).toEqual({ cumulative: 10n, signature })
    })

    test('behavior: hundreds signed ahead keep a best one and the highest (a settlement is never lost)', async () => {
      await openChannel(ledger())
      for (let cumulative = 1n; cumulative <= 300n; cumulative++) await voucher(cumulative)
      await spend('a', 300n, 150n)
      const best = (await ledger().settleable(channelId))?.cumulative ?? 0n
      const last = (await ledger().settleable(channelId, { final: true }))?.cumulative ?? 0n
      expect(best).toBeGreaterThan(130n)
      expect(best).toBeLessThanOrEqual(150n)
      expect(last).toBeGreaterThanOrEqual(150n)
      expect(last).toBeLessThan(170n)
      await spend('b', 300n, 150n)
      expect((await ledger().settleable(channelId))?.cumulative).toBe(300n)
    })

    test('error: a channel that is not known', async () => {
      await expect(ledger().settleable(channelId)).rejects.toThrow(ChannelNotFoundError)
    })
  })

  describe('beginClose', () => {
    const last = (cumulative: bigint): AcceptedVoucher => ({ cumulative, signature: '0x1a57' })
    const begin = (voucher: AcceptedVoucher | null) =>
      ledger().beginClose({ id: channelId, at: 1_700, voucher })

    test('default: takes no more vouchers, and keeps the last one', async () => {
      await openChannel(ledger())
      await voucher(10n)
      await spend('a', 30n, 25n)
      expect(await begin(last(26n))).toMatchObject({
        outcome: 'begun',
        channel: { closeRequestedAt: 1_700, accepted: 30n, voucher: { cumulative: 30n, signature } },
      })
      expect((await voucher(40n)).outcome).toBe('close-requested')
      expect(await ledger().settleable(channelId)).toEqual({ cumulative: 10n, signature })
      expect(await ledger().settleable(channelId, { final: true })).toEqual(last(26n))
      expect(await violations(ledger())).toEqual([])
    })

    test('behavior: asked again with a lower one, the lowest that covers what was spent is the last', async () => {
      await openChannel(ledger())
      await spend('a', 30n, 20n)
      for (const cumulative of [25n, 22n, 28n]) await begin(last(cumulative))
      expect(await ledger().settleable(channelId, { final: true })).toEqual(last(22n))
    })

    test('behavior: the last one is kept among hundreds, also after a settlement', async () => {
      await openChannel(ledger())
      for (let cumulative = 1n; cumulative <= 300n; cumulative++) await voucher(cumulative * 2n)
      await spend('a', 600n, 300n)
      await begin(last(301n))
      await ledger().channelSettled({ id: channelId, cumulative: 200n, ref: chainRef(), now: 1 })
      expect(await ledger().settleable(channelId, { final: true })).toEqual(last(301n))
    })

    test('behavior: one above all that were accepted is not needed, and one of nothing neither', async () => {
      await openChannel(ledger())
      await voucher(10n)
      expect(await begin(last(0n))).toMatchObject({ outcome: 'begun' })
      expect(await begin(last(50n))).toMatchObject({ outcome: 'begun', channel: { accepted: 10n } })
      expect(await ledger().settleable(channelId, { final: true })).toEqual({ cumulative: 10n, signature })
      expect(await violations(ledger())).toEqual([])
    })

    test('error: a call is running, or has cost more than it says: nothing changes', async () => {
      await openChannel(ledger())
      await ledger().claim(channelClaim('a', 30n, { amount: 30n }))
      expect(await begin(last(10n))).toMatchObject({
        outcome: 'calls-in-flight',
        channel: { closeRequestedAt: null },
      })
      await ledger().capture({ paymentId: 'a', amount: 20n, complete: true })
      expect(await begin(last(10n))).toMatchObject({
        outcome: 'below-spent',
        channel: { closeRequestedAt: null },
      })
      expect((await voucher(40n)).outcome).toBe('accepted')
      expect(await ledger().settleable(channelId, { final: true })).toEqual({ cumulative: 30n, signature })
    })
  })

  describe('closeRequested and channelFinalized', () => {
    test('default: follow the chain, there and back', async () => {
      await openChannel(ledger())
      expect((await ledger().closeRequested(channelId, 1_700)).closeRequestedAt).toBe(1_700)
      expect((await ledger().closeRequested(channelId, null)).closeRequestedAt).toBeNull()
      expect((await ledger().channelFinalized(channelId)).finalized).toBe(true)
      expect((await ledger().channelFinalized(channelId)).finalized).toBe(true)
      await expect(ledger().closeRequested(`0x${'00'.repeat(32)}`, 1)).rejects.toThrow(ChannelNotFoundError)
    })
  })

  describe('dueChannels', () => {
    const name = (n: number): Hex => `0x${n.toString(16).padStart(64, '0')}`
    const spendOn = async (id: Hex, amount: bigint) => {
      const cumulative = ((await ledger().channel(id))?.accepted ?? 0n) + amount
      await ledger().claim(channelClaim(`p${id}${cumulative}`, cumulative, { channelId: id, amount }))
      await ledger().capture({ paymentId: `p${id}${cumulative}`, amount, complete: true })
    }
    const ids = async (before: number, least: bigint | null) =>
      (await ledger().dueChannels({ before, least })).map(({ id }) => id)

    test('default: by age, by value, and because the payer asked (what is owed is not forgotten)', async () => {
      for (const n of [1, 2, 3, 4]) await openChannel(ledger(), 1_000n, name(n))
      const then = clock().now()
      await spendOn(name(1), 5n)
      clock().advance(1_000)
      await spendOn(name(2), 500n)
      await spendOn(name(3), 5n)
      expect(await ids(then - 1, null)).toEqual([])
      expect(await ids(then, null)).toEqual([name(1)])
      expect(await ids(then, 500n)).toEqual([name(1), name(2)])
      await ledger().closeRequested(name(3), 77)
      await ledger().closeRequested(name(4), 78)
      expect(await ids(then - 1, null)).toEqual([name(3)])
      expect((await ledger().channels({ closing: true })).map(({ id }) => id)).toEqual([name(3), name(4)])
      expect((await ledger().channels({ closing: true, unsettled: true })).map(({ id }) => id)).toEqual([
        name(3),
      ])
      await ledger().closeRequested(name(1), 79)
      expect(await ids(then, 5n)).toEqual([name(1), name(3), name(2)])
      await ledger().channelFinalized(name(3))
      expect(await ids(clock().now(), 1n)).toEqual([name(1), name(2)])
    })

    test('behavior: walks over more than a page, and misses none', async () => {
      const many = Array.from({ length: 4_100 }, (_, n) => name(n + 1))
      await Promise.all(many.map((id) => openChannel(ledger(), 10n, id)))
      await Promise.all(many.map((id) => spendOn(id, 1n)))
      expect((await ids(clock().now(), null)).sort()).toEqual(many)
      expect((await ids(clock().now() - 1, 1n)).sort()).toEqual(many)
      expect(await ids(clock().now() - 1, 2n)).toEqual([])
      expect((await ledger().openChannels({ chainId, escrow: payee })).map(({ id }) => id).sort()).toEqual(
        many,
      )
      const leaving = many.slice(0, 450)
      await Promise.all(leaving.map((id, n) => ledger().closeRequested(id, 77 + (n % 2))))
      expect((await ids(clock().now() - 1, null)).sort()).toEqual(leaving)
    })
  })

  describe('openChannels', () => {
    test('default: those of one escrow that are open, in order (a start asks the chain about each of them)', async () => {
      const others = [`0x${'c2'.repeat(32)}`, `0x${'c3'.repeat(32)}`] as const
      for (const id of [others[1], channelId, others[0]]) await openChannel(ledger(), 100n, id)
      await ledger().channelFinalized(channelId)
      const ids = async (of: { chainId: number; escrow: Address }) =>
        (await ledger().openChannels(of)).map(({ id }) => id)
      expect(await ids({ chainId, escrow: payee })).toEqual(others)
      expect(await ids({ chainId: chainId + 1, escrow: payee })).toEqual([])
      expect(await ids({ chainId, escrow: alice })).toEqual([])
    })
  })

  describe('channelsOf', () => {
    test('default: all of one escrow, open or not, a page at a time and each once (an audit compares each with the chain)', async () => {
      const other = `0x${'ee'.repeat(20)}` as const
      const ids = Array.from({ length: 450 }, (_, n): Hex => `0x${(n + 1).toString(16).padStart(64, '0')}`)
      for (const [n, id] of ids.entries()) {
        const sides = { chainId, escrow: n % 9 === 0 ? other : payee, payer: alice, payee, token, asset }
        await ledger().channelSeen({ id, ...sides, signer: alice, deposit: 9n, now: clock().now() })
      }
      const closed = ids.filter((_, n) => n % 9 === 1)
      await Promise.all(closed.map((id) => ledger().channelFinalized(id)))
      const all = async (of: { chainId: number; escrow: Address }) => {
        const found: Hex[][] = []
        for (let place: number | null = 0; place !== null; ) {
          const page: Awaited<ReturnType<ReturnType<typeof ledger>['channelsOf']>> =
            await ledger().channelsOf(of, place)
          found.push(page.channels.map(({ id }) => id))
          place = page.next
        }
        return found
      }
      const pages = await all({ chainId, escrow: payee.toUpperCase().replace('0X', '0x') as typeof payee })
      expect(pages.length).toBeGreaterThan(1)
      expect(pages.flat()).toEqual(ids.filter((_, n) => n % 9 !== 0))
      expect((await all({ chainId, escrow: other })).flat()).toEqual(ids.filter((_, n) => n % 9 === 0))
      expect((await all({ chainId: chainId + 1, escrow: payee })).flat()).toEqual([])
      const [first] = (await ledger().channelsOf({ chainId, escrow: payee })).channels
      expect(first).toMatchObject({ id: ids[1], finalized: true, deposit: 9n })
    })
  })

  describe('channels', () => {
    test('default: by payer, by end, and by what is unsettled', async () => {
      const others = [`0x${'c2'.repeat(32)}`, `0x${'c3'.repeat(32)}`] as const
      await openChannel(ledger())
      await openChannel(ledger(), 100n, others[0], alice)
      await openChannel(ledger(), 100n, others[1], bob)
      await spend('a', 10n, 10n)
      await ledger().channelFinalized(others[0])
      const ids = async (filter: Parameters<ReturnType<typeof ledger>['channels']>[0]) =>
        (await ledger().channels(filter)).map(({ id }) => id)
      expect(await ids({})).toHaveLength(3)
      expect(await ids({ limit: 2 })).toHaveLength(2)
      expect(await ids({ payer: bob.toUpperCase().replace('0X', '0x') as typeof bob })).toEqual([others[1]])
      expect(await ids({ finalized: true })).toEqual([others[0]])
      expect(await ids({ unsettled: true })).toEqual([channelId])
      expect(await ids({ payer: alice, finalized: false })).toEqual([channelId])
      expect(await ids({ payer: bob, unsettled: true })).toEqual([])
    })
  })
}
