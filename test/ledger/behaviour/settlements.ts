import { describe, expect, test } from 'vitest'
import * as Account from '../../../gateway/ledger/Account.ts'
import { ChainReferenceError } from '../../../gateway/ledger/errors.ts'
import type { Subject } from '../behaviour.ts'
import {
  alice,
  asset,
  chainId,
  chainRef,
  channelClaim,
  channelId,
  chargeClaim,
  openChannel,
  revenue,
  violations,
} from '../fixtures.ts'

export function settlements({ ledger, clock }: Subject): void {
  const posted = async (account: Account.Account) => (await ledger().balance(account, asset)).posted
  const settle = (cumulative: bigint, ref = chainRef()) =>
    ledger().channelSettled({ id: channelId, cumulative, ref, now: clock().now() })
  const spend = async (id: string, cumulative: bigint, amount: bigint) => {
    await ledger().claim(channelClaim(id, cumulative, { amount }))
    await ledger().capture({ paymentId: id, amount, complete: true })
  }

  describe('channelSettled', () => {
    test('default: what was spent has arrived', async () => {
      await openChannel(ledger())
      await spend('a', 10n, 10n)
      const ref = chainRef()
      expect(await settle(10n, ref)).toMatchObject({ settled: 10n, spent: 10n, unsettledSince: null })
      const balances = [
        await posted(Account.treasury),
        await posted(Account.channel(channelId)),
        await posted(revenue),
      ]
      expect(balances).toEqual([-10n, 0n, 10n])
      const entry = { ref, asset, amount: 10n, kind: 'settle', subject: channelId }
      expect(await ledger().chainEntries(chainId)).toEqual([entry])
      expect(await violations(ledger())).toEqual([])
    })

    test('behavior: its entries are read a page at a time, each once: by transaction and log, and from behind any of them', async () => {
      await openChannel(ledger(), 10_000n)
      const transactions = Array.from({ length: 600 }, () => chainRef().transaction)
      const refs = transactions.flatMap((transaction) =>
        [11, 2].map((logIndex) => ({ ...chainRef(), transaction, logIndex })),
      )
      await spend('a', 1_200n, 1_200n)
      await Promise.all(refs.map((ref, n) => settle(BigInt(n + 1), ref)))
      const found = await ledger().chainEntries(chainId)
      expect(found).toHaveLength(1_000)
      found.push(...(await ledger().chainEntries(chainId, found.at(-1)?.ref)))
      expect(await ledger().chainEntries(chainId, found.at(-1)?.ref)).toEqual([])
      const places = (of: readonly { transaction: string; logIndex: number }[]) =>
        of.map(({ transaction, logIndex }) => `${transaction} ${String(logIndex).padStart(2, '0')}`)
      expect(places(found.map(({ ref }) => ref))).toEqual(places(refs).sort())
      expect(await ledger().chainEntries(chainId, found[300]?.ref)).toEqual(found.slice(301))
      expect(await ledger().chainEntries(chainId + 1)).toEqual([])
    })

    test('behavior: told twice, or late, it is booked once (law 4)', async () => {
      await openChannel(ledger())
      await spend('a', 30n, 30n)
      const ref = chainRef()
      for (let n = 0; n < 2; n++) await settle(20n, ref)
      await settle(15n)
      expect(await posted(Account.treasury)).toBe(-20n)
      expect((await settle(30n)).settled).toBe(30n)
      expect(await posted(Account.treasury)).toBe(-30n)
      expect(await violations(ledger())).toEqual([])
    })

    test('behavior: what is still unsettled is as old as its own call', async () => {
      await openChannel(ledger())
      const times: number[] = []
      for (let n = 1n; n <= 3n; n++) {
        clock().advance(1_000)
        times.push(clock().now())
        await spend(`p${n}`, n * 10n, 10n)
      }
      expect((await settle(10n)).unsettledSince).toBe(times[1])
      expect((await settle(15n)).unsettledSince).toBe(times[1])
      expect((await settle(20n)).unsettledSince).toBe(times[2])
      expect((await settle(30n)).unsettledSince).toBeNull()
    })

    test('behavior: what is settled and was not used is credit of the payer (paid is never lost)', async () => {
      await openChannel(ledger())
      await spend('a', 30n, 10n)
      expect(await settle(25n)).toMatchObject({ settled: 25n, spent: 25n, accepted: 30n })
      expect(await posted(Account.wallet(alice))).toBe(15n)
      expect(await violations(ledger())).toEqual([])
    })

    test('behavior: a voucher that was never booked, settled above the deposit known, is booked from the chain', async () => {
      await openChannel(ledger(), 100n)
      expect(await settle(150n)).toMatchObject({
        deposit: 150n,
        accepted: 150n,
        spent: 150n,
        settled: 150n,
        voucher: null,
      })
      expect(await posted(Account.wallet(alice))).toBe(150n)
      expect(await violations(ledger())).toEqual([])
    })

    test('behavior: a call in flight keeps what it holds when more is settled than spent', async () => {
      await openChannel(ledger())
      for (const id of ['a', 'b']) await ledger().claim(channelClaim(id, 100n, { amount: 50n }))
      await settle(70n)
      expect(await ledger().channel(channelId)).toMatchObject({ spent: 70n, reserved: 30n })
      expect(await ledger().balance(Account.wallet(alice), asset)).toEqual({ posted: 70n, available: 0n })
      expect(await violations(ledger())).toEqual([])
      await settle(80n)
      await ledger().capture({ paymentId: 'a', amount: 45n, complete: true })
      await ledger().void('b', 'upstream is down')
      expect(await posted(revenue)).toBe(45n)
      const channel = await ledger().channel(channelId)
      const left = (channel?.accepted ?? 0n) - (channel?.spent ?? 0n)
      expect((await posted(Account.wallet(alice))) + left).toBe(55n)
      expect(await violations(ledger())).toEqual([])
    })

    test('error: one movement does not settle a channel and pay for a call (law 4)', async () => {
      await openChannel(ledger())
      await spend('a', 10n, 10n)
      const ref = chainRef()
      await ledger().claim(chargeClaim('c'))
      await ledger().settled({ paymentId: 'c', ref, deliver: 'delivered' })
      await expect(settle(10n, ref)).rejects.toThrow(ChainReferenceError)
    })
  })

  describe('channelFinalized', () => {
    test('default: the books no longer owe what went back to the payer, and say what was lost', async () => {
      await openChannel(ledger())
      await spend('a', 30n, 20n)
      await settle(15n)
      const channel = await ledger().channelFinalized(channelId)
      expect(channel).toMatchObject({ settled: 15n, spent: 20n, accepted: 30n, finalized: true })
      const accounts = [Account.prepaid(channelId), Account.channel(channelId), Account.loss, revenue]
      expect(await Promise.all(accounts.map(posted))).toEqual([0n, 0n, -5n, 20n])
      expect(await violations(ledger())).toEqual([])
    })

    test('behavior: a settlement that is seen after the end is booked all the same', async () => {
      await openChannel(ledger())
      await spend('a', 30n, 20n)
      await ledger().channelFinalized(channelId)
      expect(await settle(25n)).toMatchObject({ settled: 25n, spent: 25n })
      const accounts = [
        Account.prepaid(channelId),
        Account.channel(channelId),
        Account.loss,
        Account.wallet(alice),
      ]
      expect(await Promise.all(accounts.map(posted))).toEqual([0n, 0n, 0n, 5n])
      expect(await violations(ledger())).toEqual([])
    })

    test('behavior: calls in flight at the end are charged at our own cost, or released', async () => {
      await openChannel(ledger())
      for (const id of ['a', 'b']) await ledger().claim(channelClaim(id, 20n))
      await ledger().channelFinalized(channelId)
      expect(await violations(ledger())).toEqual([])
      await ledger().capture({ paymentId: 'a', amount: 10n, complete: true })
      await ledger().void('b', 'upstream is down')
      const accounts = [Account.prepaid(channelId), Account.channel(channelId), Account.loss, revenue]
      expect(await Promise.all(accounts.map(posted))).toEqual([0n, 0n, -10n, 10n])
      expect(await violations(ledger())).toEqual([])
    })
  })

  describe('amounts', () => {
    test('behavior: 18 decimals book exactly, far beyond 2^63', async () => {
      const unit = 10n ** 18n
      await openChannel(ledger(), 5_000_000n * unit)
      const price = 123_456n * unit + 1n
      await spend('a', 4_000_000n * unit, price)
      await settle(price + 7n)
      expect(await posted(Account.treasury)).toBe(-price - 7n)
      expect(await posted(revenue)).toBe(price)
      expect(await posted(Account.wallet(alice))).toBe(7n)
      const most = 2n ** 256n - 1n
      await openChannel(ledger(), most, `0x${'ff'.repeat(32)}`)
      expect((await ledger().channel(`0x${'ff'.repeat(32)}`))?.deposit).toBe(most)
      expect(await violations(ledger())).toEqual([])
    })

    test('default: balances list accounts by prefix', async () => {
      await openChannel(ledger())
      await spend('a', 30n, 10n)
      const names = async (prefix?: string) =>
        (await ledger().balances(prefix === undefined ? {} : { prefix })).map(({ account, posted }) => [
          account,
          posted,
        ])
      expect(await names('prepaid:')).toEqual([[Account.prepaid(channelId), 20n]])
      expect(await names()).toEqual([
        [Account.channel(channelId), -30n],
        [Account.prepaid(channelId), 20n],
        [revenue, 10n],
      ])
    })
  })
}
