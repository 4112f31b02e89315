import { join } from 'node:path'
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import type { Ledger } from '../../gateway/ledger/Ledger.ts'
import { openSqliteLedger } from '../../gateway/ledger/sqlite/open-sqlite-ledger.ts'
import { createAbandoned } from '../../gateway/settlement/abandoned.ts'
import { recoverOpenPayments } from '../../gateway/settlement/recover-open-payments.ts'
import { alice, chainRef, chargeClaim, topUp, violations } from '../ledger/fixtures.ts'
import { testFolder } from '../ledger/test-folder.ts'

const answer = { sealed: new Uint8Array([1]) }
const later = { wallet: alice, fingerprint: 'call', key: 'charge:later' } as const

let path: string
beforeEach(() => {
  path = join(testFolder(), 'ledger.sqlite')
})

/** One more process on the books. */
async function open(): Promise<Ledger> {
  const ledger = await openSqliteLedger({ path })
  onTestFinished(() => ledger.close())
  return ledger
}
const found = async (ledger: Ledger) => (await ledger.doubts.find(later))?.payment.id ?? null

describe('payments in doubt', () => {
  test('default: told by one process, known to the others and after a restart, and taken in one of them', async () => {
    const one = await openSqliteLedger({ path })
    const two = await open()
    await one.claim(chargeClaim('a'))
    await one.settling({ paymentId: 'a', answer })
    expect(await found(two)).toBeNull()
    await one.unknown('a', 'timed out')
    expect(await found(two)).toBe('a')
    await one.settled({ paymentId: 'a', ref: chainRef(), deliver: 'delivered' })
    await one.close()
    const three = await open()
    expect(await found(three)).toBe('a')
    const taken = await Promise.all([two, three].map((ledger, n) => ledger.doubts.take('a', `charge:${n}`)))
    expect(taken.sort()).toEqual([false, true])
    expect(await Promise.all([two, three].map(found))).toEqual([null, null])
  })

  test("behavior: two processes, two later credentials, one payment's credit: it serves one call", async () => {
    const ledgers = [await open(), await open()]
    const [one] = ledgers as [Ledger, Ledger]
    await topUp(one, alice, 1_000n)
    for (let round = 0; round < 20; round += 1) {
      const id = `pay_${round}`
      await one.claim(chargeClaim(id))
      await one.settling({ paymentId: id })
      await one.unknown(id, 'timed out')
      await one.settled({ paymentId: id, ref: chainRef(), deliver: 'credit' })
      const results = await Promise.all(
        ledgers.map((ledger, n) => {
          const { from: _, ...asked } = chargeClaim(`${id}_${n}`)
          return ledger.doubts.claim(id, asked)
        }),
      )
      expect(results.map(({ outcome }) => outcome).sort()).toEqual(['fresh', 'taken'])
    }
    expect(await violations(one)).toEqual([])
  })
})

describe('recoverOpenPayments', () => {
  test.each([
    ['with its answer', answer, { delivery: 'delivered', money: 'settled' }],
    ['without an answer', undefined, { delivery: 'failed', money: 'credited' }],
  ])(
    'default: a charge that was paid, %s, and whose process died: its caller is in doubt',
    async (_, stored, end) => {
      const ledger = await open()
      await ledger.claim(chargeClaim('a'))
      await ledger.settling({ paymentId: 'a', ...(stored === undefined ? {} : { answer: stored }) })
      await ledger.settled({ paymentId: 'a', ref: chainRef(), deliver: 'delivering' })
      await recoverOpenPayments({ ledger })
      expect(await ledger.doubts.find(later)).toMatchObject({ payment: { id: 'a', ...end }, taken: false })
    },
  )

  test('error: a doubt that cannot be written leaves the payment to the next time', async () => {
    const ledger = await open()
    await ledger.claim(chargeClaim('a'))
    await ledger.settling({ paymentId: 'a', answer })
    await ledger.settled({ paymentId: 'a', ref: chainRef(), deliver: 'delivering' })
    const doubts = { ...ledger.doubts, add: () => Promise.reject(new Error('The disk is full.')) }
    await expect(recoverOpenPayments({ ledger: { ...ledger, doubts } })).rejects.toThrow('full')
    expect(await ledger.payment({ id: 'a' })).toMatchObject({ delivery: 'delivering' })
    const abandoned = createAbandoned({ ledger: { ...ledger, doubts } })
    abandoned.add('a')
    await abandoned.tick()
    expect(await ledger.payment({ id: 'a' })).toMatchObject({ delivery: 'delivering' })
    await recoverOpenPayments({ ledger })
    expect(await found(ledger)).toBe('a')
  })

  test('behavior: nothing was sent, or it was charged otherwise: nobody is in doubt', async () => {
    const ledger = await open()
    await ledger.claim(chargeClaim('a'))
    await recoverOpenPayments({ ledger })
    expect(await ledger.payment({ id: 'a' })).toMatchObject({ delivery: 'void' })
    expect(await found(ledger)).toBeNull()
  })
})
