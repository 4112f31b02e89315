import { describe, expect, test } from 'vitest'
import * as Account from '../../../gateway/ledger/Account.ts'
import { AmountError, ChainReferenceError, PaymentStateError } from '../../../gateway/ledger/errors.ts'
import type { Subject } from '../behaviour.ts'
import {
  alice,
  asset,
  balanceClaim,
  chainId,
  chainRef,
  chargeClaim,
  revenue,
  topUp,
  violations,
} from '../fixtures.ts'

const answer = { sealed: new Uint8Array([1, 2, 3]) }

export function charges({ ledger }: Subject): void {
  const posted = async (account: Account.Account) => (await ledger().balance(account, asset)).posted
  const sent = async (id = 'c') => {
    await ledger().claim(chargeClaim(id))
    await ledger().settling({ paymentId: id, answer })
  }

  describe('settled', () => {
    test('default: what has arrived on chain is earned', async () => {
      await sent()
      const ref = chainRef()
      const payment = await ledger().settled({ paymentId: 'c', ref, deliver: 'delivered' })
      expect(payment).toMatchObject({
        delivery: 'delivered',
        money: 'settled',
        charged: 10n,
        transaction: ref.transaction,
      })
      expect([await posted(Account.treasury), await posted(revenue)]).toEqual([-10n, 10n])
      expect(await ledger().payment({ transaction: ref.transaction })).toEqual(payment)
      const entry = { ref, asset, amount: 10n, kind: 'charge', subject: 'c' }
      expect(await ledger().chainEntries(chainId)).toEqual([entry])
      expect(await violations(ledger())).toEqual([])
    })

    test('behavior: the same movement told twice is booked once (law 4)', async () => {
      await sent()
      const ref = chainRef()
      const first = await ledger().settled({ paymentId: 'c', ref, deliver: 'delivered' })
      const shouted = {
        ...ref,
        transaction: ref.transaction.toUpperCase().replace('0X', '0x') as typeof ref.transaction,
      }
      expect(await ledger().settled({ paymentId: 'c', ref: shouted, deliver: 'credit' })).toEqual(first)
      expect(await posted(Account.treasury)).toBe(-10n)
    })

    test('behavior: money that moved for a call not delivered is credit (made good in the same step)', async () => {
      await sent()
      const payment = await ledger().settled({
        paymentId: 'c',
        ref: chainRef(),
        deliver: 'credit',
        reason: 'crashed',
      })
      expect(payment).toMatchObject({ delivery: 'failed', money: 'credited', charged: 0n, reason: 'crashed' })
      expect([await posted(Account.wallet(alice)), await posted(revenue)]).toEqual([10n, 0n])
      expect(await ledger().answer('c')).toBeNull()
      expect(await violations(ledger())).toEqual([])
    })

    test('behavior: settled before the call, and the call fails: it is credit', async () => {
      await sent()
      await ledger().settled({ paymentId: 'c', ref: chainRef(), deliver: 'delivering' })
      const payment = await ledger().refund('c', 'upstream is down')
      expect(payment).toMatchObject({ delivery: 'failed', money: 'credited', charged: 0n })
      expect([await posted(Account.wallet(alice)), await posted(revenue)]).toEqual([10n, 0n])
      expect(await violations(ledger())).toEqual([])
    })

    test('behavior: less than was authorised is booked as what moved (`upto`)', async () => {
      await sent()
      const payment = await ledger().settled({
        paymentId: 'c',
        ref: chainRef(),
        amount: 4n,
        deliver: 'delivered',
      })
      expect(payment.charged).toBe(4n)
      expect(await posted(Account.treasury)).toBe(-4n)
      await ledger().claim(chargeClaim('d'))
      const more = { paymentId: 'd', ref: chainRef(), amount: 11n, deliver: 'delivered' } as const
      await expect(ledger().settled(more)).rejects.toThrow(AmountError)
    })

    test('behavior: a transfer found after the payment was void is credit, never kept for nothing', async () => {
      await sent()
      await ledger().void('c', 'never mined')
      const late = { paymentId: 'c', ref: chainRef() }
      await expect(ledger().settled({ ...late, deliver: 'delivered' })).rejects.toThrow(PaymentStateError)
      expect(await ledger().settled({ ...late, deliver: 'credit' })).toMatchObject({ money: 'credited' })
      expect(await posted(Account.wallet(alice))).toBe(10n)
      expect((await ledger().claim(chargeClaim('e', { key: 'charge:c' }))).outcome).toBe('replayed')
    })

    test('error: one movement does not pay for two calls (law 4)', async () => {
      await sent('c')
      await sent('d')
      const ref = chainRef()
      await ledger().settled({ paymentId: 'c', ref, deliver: 'delivered' })
      const again = { paymentId: 'd', ref, deliver: 'delivered' } as const
      await expect(ledger().settled(again)).rejects.toThrow(ChainReferenceError)
      const another = { paymentId: 'c', ref: chainRef(), deliver: 'delivered' } as const
      await expect(ledger().settled(another)).rejects.toThrow(ChainReferenceError)
      expect(await posted(Account.treasury)).toBe(-10n)
    })

    test('error: what was delivered is not made good as well', async () => {
      await sent()
      await ledger().complete('c')
      const credit = { paymentId: 'c', ref: chainRef(), deliver: 'credit' } as const
      await expect(ledger().settled(credit)).rejects.toThrow(PaymentStateError)
      const settled = await ledger().settled({ ...credit, deliver: 'delivering' })
      expect(settled).toMatchObject({ delivery: 'delivered', money: 'settled' })
    })

    test('error: other rails are not settled by a transfer', async () => {
      await topUp(ledger(), alice, 10n)
      await ledger().claim(balanceClaim('b'))
      const request = { paymentId: 'b', ref: chainRef(), deliver: 'delivered' } as const
      await expect(ledger().settled(request)).rejects.toThrow(PaymentStateError)
    })
  })

  describe('settling and unknown', () => {
    test('default: asked until known; repeating either changes nothing', async () => {
      await sent()
      expect((await ledger().settling({ paymentId: 'c' })).money).toBe('settling')
      expect((await ledger().unknown('c', 'timed out')).money).toBe('unknown')
      expect((await ledger().unknown('c', 'again')).reason).toBe('timed out')
      expect((await ledger().settling({ paymentId: 'c' })).money).toBe('settling')
      expect((await ledger().void('c', 'never mined')).money).toBe('void')
      await expect(ledger().settling({ paymentId: 'c' })).rejects.toThrow(PaymentStateError)
      await expect(ledger().unknown('c', 'no')).rejects.toThrow(PaymentStateError)
    })
  })

  describe('lost', () => {
    test('default: a call delivered and never paid is earned at our own cost', async () => {
      await sent()
      const payment = await ledger().lost('c', 'reverted')
      expect(payment).toMatchObject({ delivery: 'delivered', money: 'lost', charged: 0n, reason: 'reverted' })
      expect(await ledger().lost('c', 'again')).toEqual(payment)
      expect([await posted(Account.loss), await posted(revenue)]).toEqual([-10n, 10n])
      expect(await violations(ledger())).toEqual([])
    })

    test('behavior: a loss that is paid after all is recovered, not earned twice', async () => {
      await sent()
      await ledger().lost('c', 'dropped')
      const payment = await ledger().settled({ paymentId: 'c', ref: chainRef(), deliver: 'delivered' })
      expect(payment).toMatchObject({ money: 'settled', charged: 10n, reason: 'dropped' })
      const balances = [await posted(Account.loss), await posted(revenue), await posted(Account.treasury)]
      expect(balances).toEqual([0n, 10n, -10n])
      expect(await violations(ledger())).toEqual([])
    })

    test('error: a top-up that was not paid gives no credit', async () => {
      await ledger().claim(chargeClaim('t', { earns: Account.wallet(alice) }))
      await expect(ledger().lost('t', 'reverted')).rejects.toThrow(PaymentStateError)
      expect(await posted(Account.wallet(alice))).toBe(0n)
    })
  })

  describe('openPayments', () => {
    test('default: names what a dead process left open, oldest first, and nothing that has ended', async () => {
      await topUp(ledger(), alice, 100n)
      for (const [n, id] of ['held', 'delivering', 'voided', 'done'].entries())
        await ledger().claim(balanceClaim(id, { now: n }))
      await ledger().claim(chargeClaim('unknown', { now: 9 }))
      await ledger().settling({ paymentId: 'unknown' })
      await ledger().unknown('unknown', 'timed out')
      await ledger().claim(chargeClaim('unpaid', { now: 10 }))
      await ledger().complete('unpaid')
      await ledger().capture({ paymentId: 'delivering', amount: 1n })
      await ledger().capture({ paymentId: 'done', amount: 1n, complete: true })
      await ledger().void('voided', 'no')
      const open = async (limit: number) => (await ledger().openPayments(limit)).map(({ id }) => id)
      expect(await open(10)).toEqual(['held', 'delivering', 'unknown', 'unpaid'])
      expect(await open(1)).toEqual(['held'])
    })
  })
}
