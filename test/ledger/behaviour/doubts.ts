import { describe, expect, test } from 'vitest'
import * as Account from '../../../gateway/ledger/Account.ts'
import type { Subject } from '../behaviour.ts'
import { alice, balanceClaim, bob, chainRef, chargeClaim, topUp, violations } from '../fixtures.ts'

const answer = { sealed: new Uint8Array([1, 2, 3]) }
/** What a later credential asks for: the same call, by a key of its own. */
const later = (key = 'charge:later') => ({ wallet: alice, fingerprint: 'call', key })

export function doubts({ ledger, clock }: Subject): void {
  const found = async (call = later()) => (await ledger().doubts.find(call))?.payment.id ?? null
  /** Its caller was told 503. */
  const doubted = async (id: string, change: Parameters<typeof chargeClaim>[1] = {}) => {
    await ledger().claim(chargeClaim(id, change))
    await ledger().settling({ paymentId: id, answer })
    await ledger().unknown(id, 'timed out')
  }
  const delivered = async (id: string) => {
    await doubted(id)
    await ledger().settled({ paymentId: id, ref: chainRef(), deliver: 'delivered' })
  }
  const credited = async (id: string) => {
    await doubted(id)
    await ledger().settled({ paymentId: id, ref: chainRef(), deliver: 'credit' })
  }
  const again = (id: string) => {
    const { from: _, ...asked } = chargeClaim(id)
    return asked
  }

  describe('doubts', () => {
    test('default: what is unknown and not delivered is in doubt from the same step on, oldest first', async () => {
      expect(await found()).toBeNull()
      await doubted('a')
      await doubted('b')
      expect(await found()).toBe('a')
      expect(
        await found({ ...later(), wallet: alice.toUpperCase().replace('0X', '0x') as typeof alice }),
      ).toBe('a')
      await ledger().doubts.forget('a')
      expect(await found()).toBe('b')
      await ledger().doubts.forget('b')
      expect(await found()).toBeNull()
    })

    test('default: another wallet and another call find nothing', async () => {
      await doubted('a')
      expect(await found({ ...later(), wallet: bob })).toBeNull()
      expect(await found({ ...later(), fingerprint: 'other' })).toBeNull()
    })

    test('behavior: told twice, and told of what is taken, changes nothing and says nothing', async () => {
      await delivered('a')
      await ledger().doubts.take('a', later().key)
      const { events } = (await ledger().audit()).trail
      await ledger().doubts.add('a')
      await ledger().doubts.add('a')
      expect(await found(later('charge:third'))).toBeNull()
      expect((await ledger().audit()).trail.events).toBe(events)
    })

    test('behavior: what was delivered, a top-up and the other rails are in no doubt', async () => {
      await ledger().claim(chargeClaim('after'))
      await ledger().settling({ paymentId: 'after', answer })
      await ledger().complete('after')
      await ledger().unknown('after', 'timed out')
      await doubted('top-up', { earns: Account.wallet(alice) })
      await topUp(ledger(), alice, 10n)
      await ledger().claim(balanceClaim('balance'))
      await ledger().doubts.add('balance')
      expect(await found()).toBeNull()
    })

    test('behavior: of two later credentials one takes it, and finds it again for as long as it likes', async () => {
      await delivered('a')
      const keys = ['charge:x', 'charge:y', 'charge:z']
      const taken = await Promise.all(keys.map((key) => ledger().doubts.take('a', key)))
      expect(taken).toEqual([true, false, false])
      expect(await ledger().doubts.take('a', 'charge:x')).toBe(true)
      await ledger().doubts.forget('a')
      expect(await ledger().doubts.find(later('charge:x'))).toMatchObject({
        payment: { id: 'a' },
        taken: true,
      })
      expect(await found(later('charge:y'))).toBeNull()
    })

    test("behavior: one payment's credit serves one of two later credentials (no result for nothing)", async () => {
      await credited('a')
      // Credit that has nothing to do with it.
      await topUp(ledger(), alice, 100n)
      const results = await Promise.all(['x', 'y'].map((id) => ledger().doubts.claim('a', again(id))))
      expect(results.map(({ outcome }) => outcome)).toEqual(['fresh', 'taken'])
      expect(await ledger().payment({ id: 'x' })).toMatchObject({ rail: 'balance', delivery: 'held' })
      expect(await ledger().payment({ id: 'y' })).toBeNull()
      expect(await found()).toBeNull()
      expect(await violations(ledger())).toEqual([])
    })

    test('behavior: a call that is made from its credit and comes to nothing leaves it to the next credential', async () => {
      await credited('a')
      await ledger().doubts.claim('a', again('x'))
      await ledger().void('x', 'The upstream is down.')
      expect(await found()).toBe('a')
      expect(await found(later('charge:x'))).toBe('a')
      expect(await ledger().doubts.claim('a', again('y'))).toMatchObject({ outcome: 'fresh' })
      expect(await found(later('charge:x'))).toBeNull()
      expect(await violations(ledger())).toEqual([])
    })

    test('behavior: credit that is spent is claimed by nobody, and the doubt is there until it is forgotten', async () => {
      await credited('a')
      await ledger().claim(balanceClaim('spent'))
      expect(await ledger().doubts.claim('a', again('x'))).toMatchObject({ outcome: 'insufficient' })
      expect(await found()).toBe('a')
      await ledger().doubts.forget('a')
      expect(await found()).toBeNull()
    })

    test('behavior: forgotten when its time is over, however many they are; one that is open stays, and one that ended late', async () => {
      await doubted('open')
      await doubted('late', { fingerprint: 'late' })
      await Promise.all(Array.from({ length: 450 }, (_, n) => doubted(`p${n}`, { fingerprint: `call ${n}` })))
      await Promise.all(Array.from({ length: 450 }, (_, n) => ledger().void(`p${n}`, 'never mined')))
      clock().advance(1_000)
      await ledger().settled({ paymentId: 'late', ref: chainRef(), deliver: 'credit' })
      expect(await ledger().doubts.forgetOld(clock().now() - 1_000)).toBe(0)
      expect(await ledger().doubts.forgetOld(clock().now())).toBe(450)
      expect(await found()).toBe('open')
      expect(await found({ ...later(), fingerprint: 'late' })).toBe('late')
      clock().advance(1)
      expect(await ledger().doubts.forgetOld(clock().now())).toBe(1)
    })
  })
}
