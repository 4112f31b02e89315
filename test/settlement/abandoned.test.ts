import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { Ledger } from '../../gateway/ledger/Ledger.ts'
import { openSqliteLedger } from '../../gateway/ledger/sqlite/open-sqlite-ledger.ts'
import type { Abandoned } from '../../gateway/settlement/abandoned.ts'
import { createAbandoned } from '../../gateway/settlement/abandoned.ts'
import { chargeClaim } from '../ledger/fixtures.ts'

let ledger: Ledger
let abandoned: Abandoned
beforeEach(async () => {
  ledger = await openSqliteLedger({ path: ':memory:' })
  abandoned = createAbandoned({ ledger })
  await ledger.claim(chargeClaim('pay_1'))
})
afterEach(() => ledger.close())
/** The payment that a later credential of its caller would find. */
const doubted = async () => {
  const { wallet, fingerprint } = chargeClaim('pay_1')
  return (await ledger.doubts.find({ wallet, fingerprint, key: 'charge:later' }))?.payment.id ?? null
}
const now = async () => {
  const payment = await ledger.payment({ id: 'pay_1' })
  return `${payment?.delivery}/${payment?.money}`
}

describe('createAbandoned', () => {
  test('default: what was held is voided, and its caller is in doubt until then', async () => {
    abandoned.add('pay_1')
    await vi.waitFor(async () => expect(await doubted()).toBe('pay_1'))
    await abandoned.tick()
    expect(await now()).toBe('void/void')
  })

  test('default: money that may be moving is unknown, so that the resolver asks after it', async () => {
    await ledger.settling({ paymentId: 'pay_1' })
    abandoned.add('pay_1')
    await vi.waitFor(async () => expect(await doubted()).toBe('pay_1'))
    await abandoned.tick()
    expect(await now()).toBe('held/unknown')
    await abandoned.tick()
    expect(await now()).toBe('held/unknown')
  })

  test('behavior: delivered, and settled behind the back of its caller: the same, and nobody is in doubt', async () => {
    await ledger.settling({ paymentId: 'pay_1', answer: { sealed: new Uint8Array([1]) } })
    await ledger.complete('pay_1')
    abandoned.add('pay_1')
    await vi.waitFor(async () => {
      await abandoned.tick()
      expect(await now()).toBe('delivered/unknown')
    })
    expect(await doubted()).toBeNull()
  })

  test('behavior: what had ended, and is claimed again by a new call, is left to that call', async () => {
    await ledger.void('pay_1', 'The node was out of reach.')
    abandoned.add('pay_1')
    expect(await ledger.claim(chargeClaim('pay_2', { key: 'charge:pay_1' }))).toMatchObject({
      outcome: 'fresh',
      payment: { id: 'pay_1' },
    })
    await abandoned.tick()
    expect(await now()).toBe('held/held')
    expect(await doubted()).toBeNull()
  })
})
