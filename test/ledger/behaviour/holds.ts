import { describe, expect, test } from 'vitest'
import * as Account from '../../../gateway/ledger/Account.ts'
import { AmountError, PaymentNotFoundError, PaymentStateError } from '../../../gateway/ledger/errors.ts'
import type { Subject } from '../behaviour.ts'
import {
  alice,
  asset,
  balanceClaim,
  channelClaim,
  channelId,
  chargeClaim,
  openChannel,
  revenue,
  topUp,
  violations,
} from '../fixtures.ts'

const answer = { sealed: new Uint8Array([1, 2, 3]) }

export function holds({ ledger, clock }: Subject): void {
  const held = async (amount = 10n) => {
    await topUp(ledger(), alice, 100n)
    await ledger().claim(balanceClaim('a', { amount }))
  }

  describe('capture', () => {
    test('default: books what the call did cost and releases the rest', async () => {
      await held(40n)
      const payment = await ledger().capture({ paymentId: 'a', amount: 15n, answer })
      expect(payment).toMatchObject({ charged: 15n, amount: 40n, delivery: 'delivered', money: 'captured' })
      expect(await ledger().balance(Account.wallet(alice), asset)).toEqual({ posted: 85n, available: 85n })
      expect(await ledger().balance(revenue, asset)).toEqual({ posted: 15n, available: 15n })
      expect(await ledger().answer('a')).toEqual(answer)
    })

    test('behavior: on a channel it is spent, and unsettled from then on', async () => {
      await openChannel(ledger())
      await ledger().claim(channelClaim('a', 30n, { amount: 30n }))
      clock().advance(5_000)
      await ledger().capture({ paymentId: 'a', amount: 12n })
      const channel = { accepted: 30n, spent: 12n, reserved: 0n, unsettledSince: clock().now() }
      expect(await ledger().channel(channelId)).toMatchObject(channel)
      expect(await violations(ledger())).toEqual([])
    })

    test('error: a second capture charges nothing (never charged twice)', async () => {
      await held()
      await ledger().capture({ paymentId: 'a', amount: 10n })
      await expect(ledger().capture({ paymentId: 'a', amount: 10n })).rejects.toThrow(PaymentStateError)
      expect((await ledger().balance(revenue, asset)).posted).toBe(10n)
    })

    test('error: more than was held is never taken', async () => {
      await held()
      await expect(ledger().capture({ paymentId: 'a', amount: 11n })).rejects.toThrow(AmountError)
      await expect(ledger().capture({ paymentId: 'a', amount: -1n })).rejects.toThrow(AmountError)
      expect(await ledger().payment({ id: 'a' })).toMatchObject({ money: 'held' })
    })

    test('error: a charge is not captured, and nothing is known of a stranger', async () => {
      await ledger().claim(chargeClaim('c'))
      await expect(ledger().capture({ paymentId: 'c', amount: 1n })).rejects.toThrow(PaymentStateError)
      await expect(ledger().capture({ paymentId: 'nobody', amount: 1n })).rejects.toThrow(
        PaymentNotFoundError,
      )
    })
  })

  describe('void', () => {
    test('default: what was held is available again, and nothing is charged', async () => {
      await held()
      expect(await ledger().void('a', 'upstream is down')).toMatchObject({
        money: 'void',
        reason: 'upstream is down',
      })
      expect((await ledger().balance(Account.wallet(alice), asset)).available).toBe(100n)
      expect((await ledger().void('a', 'again')).reason).toBe('upstream is down')
      expect(await violations(ledger())).toEqual([])
    })

    test('behavior: on a channel the accepted voucher pays for the next call', async () => {
      await openChannel(ledger())
      await ledger().claim(channelClaim('a', 10n))
      await ledger().void('a', 'upstream is down')
      expect(await ledger().claim(channelClaim('b', 10n))).toMatchObject({
        outcome: 'fresh',
        payment: { id: 'a' },
      })
    })

    test('error: what was charged is not released', async () => {
      await held()
      await ledger().capture({ paymentId: 'a', amount: 10n })
      await expect(ledger().void('a', 'too late')).rejects.toThrow(PaymentStateError)
    })
  })

  describe('complete', () => {
    test('default: an answer that left whole is delivered, once and for all', async () => {
      await held()
      await ledger().capture({ paymentId: 'a', amount: 10n })
      expect((await ledger().complete('a')).delivery).toBe('delivered')
      expect((await ledger().complete('a')).delivery).toBe('delivered')
      await expect(ledger().refund('a', 'no')).rejects.toThrow(PaymentStateError)
    })

    test('error: a call that is not charged is not delivered (no result for nothing)', async () => {
      await held()
      await expect(ledger().complete('a')).rejects.toThrow(PaymentStateError)
    })
  })

  describe('refund', () => {
    test('default: a broken answer costs nothing; the entry is countered, not changed', async () => {
      await held()
      await ledger().capture({ paymentId: 'a', amount: 10n })
      const refunded = await ledger().refund('a', 'stream broke')
      expect(refunded).toMatchObject({
        delivery: 'failed',
        money: 'refunded',
        charged: 0n,
        reason: 'stream broke',
      })
      expect(await ledger().refund('a', 'again')).toEqual(refunded)
      expect((await ledger().balance(Account.wallet(alice), asset)).available).toBe(100n)
      expect((await ledger().balance(revenue, asset)).posted).toBe(0n)
      expect((await ledger().audit()).transfers).toBe(3)
      expect(await violations(ledger())).toEqual([])
    })

    test('behavior: on a channel it is credit, because spent only grows (law 3)', async () => {
      await openChannel(ledger())
      await ledger().claim(channelClaim('a', 10n))
      await ledger().capture({ paymentId: 'a', amount: 10n })
      await ledger().refund('a', 'stream broke')
      expect(await ledger().channel(channelId)).toMatchObject({ accepted: 10n, spent: 10n })
      expect((await ledger().balance(Account.wallet(alice), asset)).available).toBe(10n)
      expect(await violations(ledger())).toEqual([])
    })

    test('error: what was never charged is not given back', async () => {
      await held()
      await expect(ledger().refund('a', 'no')).rejects.toThrow(PaymentStateError)
    })
  })

  describe('answers', () => {
    test('default: an answer is kept until it is old', async () => {
      await held()
      await ledger().capture({ paymentId: 'a', amount: 10n, answer })
      clock().advance(1_000)
      expect(await ledger().forgetAnswers(clock().now() - 1_000)).toBe(0)
      expect(await ledger().forgetAnswers(clock().now())).toBe(1)
      expect(await ledger().answer('a')).toBeNull()
    })

    test('behavior: the answer of a payment that is not settled is not forgotten (paid is served)', async () => {
      await ledger().claim(chargeClaim('c'))
      await ledger().storeAnswer('c', answer)
      await ledger().settling({ paymentId: 'c' })
      await ledger().unknown('c', 'timed out')
      clock().advance(1_000)
      expect(await ledger().forgetAnswers(clock().now())).toBe(0)
      expect(await ledger().answer('c')).toEqual(answer)
    })

    test('behavior: hundreds are forgotten in one go', async () => {
      const ids = Array.from({ length: 450 }, (_, n) => `p${n}`)
      await Promise.all(ids.map((id) => ledger().claim(balanceClaim(id, { amount: 0n }))))
      await Promise.all(ids.map((paymentId) => ledger().capture({ paymentId, amount: 0n, answer })))
      expect(await ledger().forgetAnswers(clock().now() + 1)).toBe(450)
    })

    test('behavior: a payer that fills the disk with answers loses the oldest of them, and nobody one of a payment that is open', async () => {
      const large = { sealed: new Uint8Array(100) }
      await ledger().claim(chargeClaim('open'))
      await ledger().settling({ paymentId: 'open', answer: large })
      await ledger().unknown('open', 'timed out')
      const ids = Array.from({ length: 450 }, (_, n) => `p${n}`)
      await Promise.all(ids.map((id) => ledger().claim(balanceClaim(id, { amount: 0n }))))
      for (const [from, to] of [
        [0, 1],
        [1, 431],
        [431, 450],
      ]) {
        clock().advance(1)
        const some = ids.slice(from, to)
        await Promise.all(some.map((paymentId) => ledger().capture({ paymentId, amount: 0n, answer: large })))
      }
      expect(await ledger().forgetAnswersAbove(45_100)).toBe(0)
      expect(await ledger().forgetAnswersAbove(45_099)).toBe(1)
      expect(await ledger().answer('p0')).toBeNull()
      expect(await ledger().answer('p1')).not.toBeNull()
      // Stored again, and smaller: it is counted as it is.
      await ledger().storeAnswer('p449', answer)
      const left = 44_900 + answer.sealed.length
      expect(await ledger().forgetAnswersAbove(left)).toBe(0)
      expect(await ledger().forgetAnswersAbove(left - 43_000)).toBe(430)
      expect(await ledger().answer('p430')).toBeNull()
      expect(await ledger().answer('p431')).not.toBeNull()
      await ledger().forgetAnswersAbove(0)
      expect(await ledger().answer('p449')).toBeNull()
      expect(await ledger().answer('open')).not.toBeNull()
    })

    test('behavior: what was stored for a call that is void is given to nobody (no result for nothing)', async () => {
      await ledger().claim(chargeClaim('c'))
      await ledger().settling({ paymentId: 'c', answer })
      await ledger().void('c', 'never mined')
      expect(await ledger().answer('c')).toBeNull()
    })

    test('error: an answer needs its payment', async () => {
      await expect(ledger().storeAnswer('nobody', answer)).rejects.toThrow(PaymentNotFoundError)
    })
  })
}
