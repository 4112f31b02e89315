import { describe, expect, test } from 'vitest'
import * as Account from '../../../gateway/ledger/Account.ts'
import { AmountError } from '../../../gateway/ledger/errors.ts'
import type { Subject } from '../behaviour.ts'
import {
  alice,
  asset,
  balanceClaim,
  bob,
  channelClaim,
  channelId,
  chargeClaim,
  openChannel,
  revenue,
  topUp,
  violations,
} from '../fixtures.ts'

export function claims({ ledger }: Subject): void {
  describe('claim', () => {
    test('default: holds the amount; what is held cannot be spent again', async () => {
      await topUp(ledger(), alice, 25n)
      const { outcome } = await ledger().claim(balanceClaim('a'))
      expect(outcome).toBe('fresh')
      expect(await ledger().balance(Account.wallet(alice), asset)).toEqual({ posted: 25n, available: 15n })
      const payment = await ledger().payment({ id: 'a' })
      expect(payment).toMatchObject({
        delivery: 'held',
        money: 'held',
        amount: 10n,
        charged: 0n,
        wallet: alice,
      })
      expect(await violations(ledger())).toEqual([])
    })

    test('behavior: fifty parallel claims on credit for ten get exactly ten (no wallet goes below zero)', async () => {
      await topUp(ledger(), alice, 100n)
      const claims = Array.from({ length: 50 }, (_, n) => ledger().claim(balanceClaim(`p${n}`)))
      const outcomes = (await Promise.all(claims)).map(({ outcome }) => outcome)
      expect(outcomes.filter((outcome) => outcome === 'fresh')).toHaveLength(10)
      expect(outcomes.filter((outcome) => outcome === 'insufficient')).toHaveLength(40)
      expect(await violations(ledger())).toEqual([])
    })

    test('behavior: fifty parallel claims of one key get one payment (a payment buys one result)', async () => {
      await topUp(ledger(), alice, 100n)
      const claims = Array.from({ length: 50 }, (_, n) =>
        ledger().claim(balanceClaim(`p${n}`, { key: 'balance:one' })),
      )
      const results = await Promise.all(claims)
      expect(results.filter(({ outcome }) => outcome === 'fresh')).toHaveLength(1)
      expect(results.filter(({ outcome }) => outcome === 'replayed')).toHaveLength(49)
      expect(await ledger().balance(Account.wallet(alice), asset)).toEqual({ posted: 100n, available: 90n })
    })

    test('behavior: a key used for another call, or by another wallet, is refused and charges nobody', async () => {
      const wallets = [alice, bob] as const
      for (const wallet of wallets) await topUp(ledger(), wallet, 20n)
      await ledger().claim(balanceClaim('a'))
      const other = { key: 'balance:a' }
      const conflicts = [
        await ledger().claim(balanceClaim('b', { ...other, fingerprint: 'another call' })),
        await ledger().claim(balanceClaim('c', { ...other, wallet: bob })),
      ]
      expect(conflicts.map(({ outcome }) => outcome)).toEqual(['conflict', 'conflict'])
      expect((await ledger().balance(Account.wallet(bob), asset)).available).toBe(20n)
    })

    test('behavior: a void payment is claimed again under its own id, with what is asked now', async () => {
      await topUp(ledger(), alice, 20n)
      await ledger().claim(balanceClaim('a'))
      await ledger().void('a', 'upstream is down')
      const again = await ledger().claim(balanceClaim('b', { key: 'balance:a', amount: 7n }))
      expect(again).toMatchObject({
        outcome: 'fresh',
        payment: { id: 'a', amount: 7n, delivery: 'held', reason: null },
      })
      expect(await ledger().payment({ id: 'b' })).toBeNull()
      expect(await violations(ledger())).toEqual([])
      const other = balanceClaim('c', { key: 'balance:a', fingerprint: 'another call' })
      await ledger().void('a', 'again')
      expect((await ledger().claim(other)).outcome).toBe('conflict')
      expect(await violations(ledger())).toEqual([])
    })

    test('behavior: one wallet has one balance, however its address is spelled', async () => {
      await topUp(ledger(), alice, 10n)
      const shouted = alice.toUpperCase().replace('0X', '0x') as typeof alice
      expect((await ledger().claim(balanceClaim('a', { wallet: shouted }))).outcome).toBe('fresh')
      expect((await ledger().balance(`wallet:${shouted}`, asset)).available).toBe(0n)
    })

    test('behavior: a call that costs nothing needs no credit', async () => {
      expect((await ledger().claim(balanceClaim('a', { amount: 0n }))).outcome).toBe('fresh')
      const done = await ledger().capture({ paymentId: 'a', amount: 0n, complete: true })
      expect(done).toMatchObject({ charged: 0n, delivery: 'delivered', money: 'captured' })
      expect(await violations(ledger())).toEqual([])
    })

    test('error: an impossible amount, or an account that cannot earn, changes nothing', async () => {
      await topUp(ledger(), alice, 10n)
      const wrong = [
        balanceClaim('a', { amount: -1n }),
        balanceClaim('b', { amount: 2n ** 256n }),
        chargeClaim('c', { earns: Account.treasury }),
        chargeClaim('e', { earns: Account.prepaid(channelId) }),
        balanceClaim('d', { earns: Account.wallet(alice) }),
      ]
      for (const request of wrong) await expect(ledger().claim(request)).rejects.toThrow(AmountError)
      expect((await ledger().audit()).payments).toBe(1)
    })
  })

  describe('claim on a channel', () => {
    test('default: accepts the voucher and holds the amount', async () => {
      await openChannel(ledger())
      const result = await ledger().claim(channelClaim('a', 10n))
      expect(result).toMatchObject({ outcome: 'fresh', channel: { accepted: 10n, reserved: 10n, spent: 0n } })
      expect(await ledger().balance(Account.prepaid(channelId), asset)).toEqual({
        posted: 10n,
        available: 0n,
      })
      expect((await ledger().balance(Account.channel(channelId), asset)).posted).toBe(-10n)
    })

    test('behavior: a voucher that is used up is a replay of its call, and buys no other (no result for nothing)', async () => {
      await openChannel(ledger())
      await ledger().claim(channelClaim('a', 10n))
      await ledger().capture({ paymentId: 'a', amount: 10n, complete: true })
      expect(await ledger().claim(channelClaim('b', 10n))).toMatchObject({
        outcome: 'replayed',
        payment: { id: 'a' },
      })
      const other = await ledger().claim(channelClaim('c', 10n, { fingerprint: 'another call' }))
      expect(other).toMatchObject({
        outcome: 'insufficient',
        available: 0n,
        needed: 10n,
        channel: { accepted: 10n },
      })
    })

    test('behavior: a voucher signed ahead pays for calls until it is used up', async () => {
      await openChannel(ledger())
      const outcomes: string[] = []
      const keys: string[] = []
      for (let n = 0; n < 4; n++) {
        const result = await ledger().claim(channelClaim(`p${n}`, 30n))
        outcomes.push(result.outcome)
        if (result.outcome === 'fresh') keys.push(result.payment.key)
      }
      expect(outcomes).toEqual(['fresh', 'fresh', 'fresh', 'replayed'])
      const key = `voucher:${channelId}:30`
      expect(keys).toEqual([key, `${key}#1`, `${key}#2`])
      expect(await ledger().payment({ key: `${key}#2` })).toMatchObject({ id: 'p2' })
    })

    test("behavior: with the caller's own key, what is left of the voucher is not spent by a replay", async () => {
      await openChannel(ledger())
      const own = { key: 'channel:call:1', reusable: false }
      await ledger().claim(channelClaim('a', 30n, own))
      expect(await ledger().claim(channelClaim('b', 30n, own))).toMatchObject({
        outcome: 'replayed',
        payment: { id: 'a' },
        channel: { reserved: 10n },
      })
    })

    test('behavior: a voucher that is not enough stays accepted (value is never lost)', async () => {
      await openChannel(ledger())
      const result = await ledger().claim(channelClaim('a', 6n))
      expect(result).toMatchObject({
        outcome: 'insufficient',
        available: 6n,
        needed: 10n,
        channel: { accepted: 6n },
      })
      expect(await ledger().payment({ id: 'a' })).toBeNull()
      expect((await ledger().claim(channelClaim('b', 10n))).outcome).toBe('fresh')
      expect(await violations(ledger())).toEqual([])
    })

    test('behavior: refusals say which rule, and accept nothing', async () => {
      expect((await ledger().claim(channelClaim('a', 10n))).outcome).toBe('channel-not-found')
      await openChannel(ledger(), 100n)
      expect((await ledger().claim(channelClaim('a', 101n))).outcome).toBe('amount-exceeds-deposit')
      expect((await ledger().claim(channelClaim('a', 10n, { minDelta: 11n }))).outcome).toBe(
        'delta-too-small',
      )
      await ledger().closeRequested(channelId, 1_700_000_000)
      expect((await ledger().claim(channelClaim('a', 10n))).outcome).toBe('close-requested')
      await ledger().closeRequested(channelId, null)
      await ledger().channelFinalized(channelId)
      expect((await ledger().claim(channelClaim('a', 10n))).outcome).toBe('channel-finalized')
      expect(await ledger().channel(channelId)).toMatchObject({ accepted: 0n, reserved: 0n, voucher: null })
    })

    test('behavior: a call that was paid is answered again after the channel is closed (paid is served)', async () => {
      await openChannel(ledger())
      await ledger().claim(channelClaim('a', 10n))
      await ledger().capture({ paymentId: 'a', amount: 10n, complete: true })
      await ledger().channelFinalized(channelId)
      expect((await ledger().claim(channelClaim('b', 10n))).outcome).toBe('replayed')
    })

    test('behavior: parallel vouchers never reserve more than was accepted', async () => {
      await openChannel(ledger())
      const claims = Array.from({ length: 40 }, (_, n) =>
        ledger().claim(
          channelClaim(`p${n}`, BigInt((n * 7) % 40) + 1n, { amount: 3n, fingerprint: `call ${n}` }),
        ),
      )
      const fresh = (await Promise.all(claims)).filter(({ outcome }) => outcome === 'fresh')
      const channel = await ledger().channel(channelId)
      expect(channel?.accepted).toBe(40n)
      expect(channel?.reserved).toBe(BigInt(fresh.length) * 3n)
      expect(await violations(ledger())).toEqual([])
      expect((await ledger().balance(revenue, asset)).posted).toBe(0n)
    })
  })
}
