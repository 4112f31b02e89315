import { join } from 'node:path'
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { InstanceLostError, PaymentStateError } from '../../../gateway/ledger/errors.ts'
import type { Ledger } from '../../../gateway/ledger/Ledger.ts'
import { openSqliteLedger } from '../../../gateway/ledger/sqlite/open-sqlite-ledger.ts'
import { alice, balanceClaim, chargeClaim, topUp, violations } from '../fixtures.ts'
import { testFolder } from '../test-folder.ts'

let path: string
beforeEach(() => {
  path = join(testFolder(), 'ledger.sqlite')
})

/** A connection to the books of this test; as an instance when it has a name. */
async function open(name?: string): Promise<Ledger> {
  const ledger = await openSqliteLedger({ path })
  onTestFinished(() => ledger.close())
  if (name !== undefined) await ledger.instances.join({ id: name, host: 'here', pid: 1, born: null })
  return ledger
}

/** What a living instance sees of one that stands still. */
async function takeOver(by: Ledger, id: string): Promise<boolean> {
  const dead = (await by.instances.beat()).others.find((other) => other.id === id)
  return dead !== undefined && by.instances.take(dead)
}

const ids = (payments: readonly { id: string }[]) => payments.map(({ id }) => id)

describe('instances', () => {
  test('default: who registered first leads; when it leaves, the next one does', async () => {
    const [one, two] = [await open('one'), await open('two')]
    expect(await one.instances.beat()).toMatchObject({ leads: true, leader: 'one', others: [{ id: 'two' }] })
    expect(await two.instances.beat()).toMatchObject({ leads: false, leader: 'one', others: [{ beats: 1 }] })
    await one.instances.leave()
    expect(await two.instances.beat()).toEqual({ leads: true, leader: 'two', others: [] })
  })

  test('behavior: another one had company at a time when it was there, and as long as it is', async () => {
    const one = await open('one')
    expect(await one.instances.hadCompany(Date.now())).toBe(false)
    const before = Date.now() - 1
    const two = await open('two')
    const [other] = (await one.instances.beat()).others
    expect(other?.id).toBe('two')
    expect(await one.instances.hadCompany(before)).toBe(false)
    expect(await one.instances.hadCompany(other?.startedAt ?? 0)).toBe(true)
    expect(await two.instances.hadCompany(Date.now())).toBe(true)
    await two.instances.leave()
    expect(await one.instances.hadCompany(Date.now())).toBe(false)
  })

  test('behavior: what is claimed has the instance as its owner; without one, nobody', async () => {
    const [one, none] = [await open('one'), await open()]
    await topUp(none, alice, 100n)
    const owned = await one.claim(balanceClaim('a'))
    expect(owned).toMatchObject({ outcome: 'fresh', payment: { owner: 'one' } })
    await none.claim(balanceClaim('b'))
    expect((await none.payment({ id: 'a' }))?.owner).toBe('one')
    expect((await one.capture({ paymentId: 'a', amount: 1n })).owner).toBe('one')
    expect(ids(await one.openPayments(9))).toEqual(['a', 'b'])
    expect(ids(await one.orphans(9))).toEqual(['b'])
  })

  test('behavior: an outcome that the chain has not told is owned by nobody', async () => {
    const one = await open('one')
    await one.claim(chargeClaim('a'))
    expect((await one.settling({ paymentId: 'a' })).owner).toBe('one')
    expect(await one.orphans(9)).toEqual([])
    expect((await one.unknown('a', 'late')).owner).toBeNull()
    expect(ids(await one.orphans(9))).toEqual(['a'])
  })

  test('behavior: what one claims again has it as its owner', async () => {
    const [one, two] = [await open('one'), await open('two')]
    await topUp(one, alice, 100n)
    await one.claim(balanceClaim('a'))
    await one.void('a', 'failed')
    await two.claim(balanceClaim('other id', { key: 'balance:a' }))
    expect(await one.payment({ id: 'a' })).toMatchObject({ delivery: 'held', owner: 'two' })
  })

  test('behavior: the payments of one that was taken over are orphans, those of the living are not', async () => {
    const [one, two] = [await open('one'), await open('two')]
    await topUp(one, alice, 100n)
    await one.claim(balanceClaim('a'))
    await two.claim(balanceClaim('b'))
    expect(await two.orphans(9)).toEqual([])
    expect(await takeOver(two, 'one')).toBe(true)
    expect(ids(await two.orphans(9))).toEqual(['a'])
  })

  test('error: one that has beaten since it was looked at is not taken over', async () => {
    const [one, two] = [await open('one'), await open('two')]
    const [seen] = (await two.instances.beat()).others
    await one.instances.beat()
    expect(await two.instances.take(seen ?? { id: '', beats: 0 })).toBe(false)
    expect(await two.instances.take({ id: 'nobody', beats: 0 })).toBe(false)
    expect((await one.instances.beat()).leads).toBe(true)
  })
})

describe('an instance that stood still and was taken over', () => {
  test('error: captures, settles and sends nothing any more (a paused process charges for no call that was given up)', async () => {
    const [one, two] = [await open('one'), await open('two')]
    await topUp(one, alice, 100n)
    await one.claim(balanceClaim('a'))
    await one.claim(chargeClaim('b'))
    await takeOver(two, 'one')
    const hash = `0x${'ab'.repeat(32)}` as const
    const ref = { chainId: 1, transaction: hash, logIndex: 0, block: 1n }
    const intent = { id: 'i', chainId: 1, from: alice, nonce: 0, raw: hash, hash, now: 1 }
    const writes: (() => Promise<unknown>)[] = [
      () => one.capture({ paymentId: 'a', amount: 10n, complete: true }),
      () => one.settling({ paymentId: 'b' }),
      () => one.settled({ paymentId: 'b', ref, deliver: 'delivered' }),
      () => one.void('a', 'late'),
      () => one.claim(balanceClaim('c')),
      () => one.intend({ ...intent, kind: 'charge', subjects: ['b'] }),
      () => one.instances.beat(),
      () => one.note({ kind: 'gateway-stopped' }),
    ]
    for (const write of writes) await expect(write()).rejects.toThrow(InstanceLostError)
    expect(await two.payment({ id: 'a' })).toMatchObject({ delivery: 'held', money: 'held' })
    expect(await one.payment({ id: 'c' })).toBeNull()
    await one.instances.leave()
    expect(await violations(two)).toEqual([])
  })

  test('error: does not capture a payment that another process voided and gave out again under its id', async () => {
    const [one, two] = [await open('one'), await open('two')]
    await topUp(one, alice, 100n)
    await one.claim(balanceClaim('a'))
    await takeOver(two, 'one')
    await two.void('a', 'The gateway stopped during the call.')
    expect((await two.claim(balanceClaim('x', { key: 'balance:a' }))).outcome).toBe('fresh')
    const late = one.capture({ paymentId: 'a', amount: 10n, complete: true })
    await expect(late).rejects.toThrow(InstanceLostError)
    expect(await two.capture({ paymentId: 'a', amount: 10n, complete: true })).toMatchObject({ charged: 10n })
    expect(await violations(two)).toEqual([])
  })

  test('error: a void payment is not captured, whoever asks', async () => {
    const one = await open('one')
    await topUp(one, alice, 100n)
    await one.claim(balanceClaim('a'))
    await one.void('a', 'The gateway stopped during the call.')
    await expect(one.capture({ paymentId: 'a', amount: 10n })).rejects.toThrow(PaymentStateError)
  })

  test('behavior: one that has left writes nothing any more', async () => {
    const one = await open('one')
    await one.instances.leave()
    await expect(one.claim(balanceClaim('a', { amount: 0n }))).rejects.toThrow(InstanceLostError)
  })
})
