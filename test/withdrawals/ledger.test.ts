import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import * as Account from '../../gateway/ledger/Account.ts'
import { IntentError, WithdrawalStateError } from '../../gateway/ledger/errors.ts'
import type { Ledger } from '../../gateway/ledger/Ledger.ts'
import { openSqliteLedger } from '../../gateway/ledger/sqlite/open-sqlite-ledger.ts'
import type { Request } from '../../gateway/ledger/Withdrawal.ts'
import {
  alice,
  asset,
  balanceClaim,
  bob,
  chainId,
  chainRef,
  chargeClaim,
  payee,
  testClock,
  topUp,
  violations,
} from '../ledger/fixtures.ts'

/** The books of withdrawals by themselves: reserved once, ended once, and never more than there is. */

let ledger: Ledger
let clock: ReturnType<typeof testClock>
let directory: string
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'farthing-withdrawals-'))
  clock = testClock()
  ledger = await openSqliteLedger({ path: join(directory, 'ledger.sqlite'), clock })
})
afterEach(async () => {
  await ledger.close()
  await rm(directory, { recursive: true, force: true })
})

const wide = { perWallet: 10n ** 9n, total: 10n ** 9n, since: 0, holdAbove: 10n ** 9n }
const request = (id: string, change: Partial<Request> = {}): Promise<{ outcome: string }> =>
  ledger.withdrawals.request({
    id,
    key: id,
    nonce: null,
    wallet: alice,
    asset,
    amount: 10n,
    to: alice,
    limits: wide,
    now: clock.now(),
    ...change,
  })
const balance = () => ledger.balance(Account.wallet(alice), asset)

let nonce = 0
async function intend(subject: string, id = `int_${nonce}`) {
  nonce += 1
  const raw = '0x02' as const
  const hash = `0x${nonce.toString(16).padStart(64, '0')}` as const
  const base = { chainId, kind: 'withdrawal', from: payee, nonce, raw, hash, now: clock.now() } as const
  await ledger.intend({ ...base, id, subjects: [subject] })
  return id
}

describe('Withdrawals', () => {
  test('default: reserved, paid once by its movement on chain, and out of the treasury', async () => {
    await topUp(ledger, alice, 25n)
    expect(await request('w')).toMatchObject({ outcome: 'fresh', withdrawal: { state: 'requested' } })
    expect(await balance()).toEqual({ posted: 25n, available: 15n })
    expect((await ledger.withdrawals.pay('w')).outcome).toBe('paying')
    expect((await ledger.withdrawals.pay('w')).outcome).toBe('taken')
    const ref = chainRef()
    const paid = await ledger.withdrawals.paid('w', ref)
    expect(paid).toMatchObject({ state: 'paid', transaction: ref.transaction })
    expect(await ledger.withdrawals.paid('w', ref)).toEqual(paid)
    expect(await balance()).toEqual({ posted: 15n, available: 15n })
    expect(await ledger.balance(Account.treasury, asset)).toMatchObject({ posted: -15n })
    expect((await ledger.chainEntries(chainId)).at(-1)).toMatchObject({ kind: 'withdrawal', subject: 'w' })
    expect(await violations(ledger)).toEqual([])
  })

  test('behavior: credit that is reserved buys nothing else', async () => {
    await topUp(ledger, alice, 25n)
    await request('w', { amount: 20n })
    expect(await ledger.claim(balanceClaim('p'))).toMatchObject({ outcome: 'insufficient', available: 5n })
    expect(await request('x')).toEqual({ outcome: 'insufficient', available: 5n })
    await ledger.withdrawals.fail('w', 'no')
    expect((await ledger.claim(balanceClaim('p'))).outcome).toBe('fresh')
    expect(await violations(ledger)).toEqual([])
  })

  test('behavior: a key or a nonce is one withdrawal, whatever else is said', async () => {
    await topUp(ledger, alice, 100n)
    const signed = { key: 'k', nonce: `0x${'0a'.repeat(32)}` as const }
    expect(await request('a', signed)).toMatchObject({ outcome: 'fresh' })
    expect(await request('b', signed)).toMatchObject({ outcome: 'replayed', withdrawal: { id: 'a' } })
    expect(await request('c', { ...signed, key: 'other' })).toMatchObject({ withdrawal: { id: 'a' } })
    expect(await request('d', { ...signed, amount: 11n })).toEqual({ outcome: 'conflict' })
    expect(await request('e', { ...signed, key: 'other', to: bob })).toEqual({ outcome: 'conflict' })
    expect(await request('f', { nonce: signed.nonce, wallet: bob })).toMatchObject({
      outcome: 'insufficient',
    })
  })

  test('behavior: limits count what was asked for within the window, unless it failed', async () => {
    await topUp(ledger, alice, 100n)
    await topUp(ledger, bob, 100n)
    const limits = { perWallet: 30n, total: 45n, since: clock.now() - 1, holdAbove: 25n }
    expect(await request('a', { amount: 26n, limits })).toMatchObject({
      withdrawal: { state: 'held-for-operator' },
    })
    expect(await request('b', { limits })).toEqual({ outcome: 'over-limit', limit: 'wallet', left: 4n })
    expect(await request('c', { wallet: bob, amount: 20n, limits })).toMatchObject({
      limit: 'total',
      left: 19n,
    })
    await ledger.withdrawals.reject('a', 'no')
    expect(await request('c', { wallet: bob, amount: 20n, limits })).toMatchObject({ outcome: 'fresh' })
    clock.advance(1_000)
    const later = { ...limits, since: clock.now() - 1 }
    expect(await request('d', { wallet: bob, amount: 30n, limits: later })).toMatchObject({
      outcome: 'fresh',
    })
  })

  test('behavior: the operator decides once, and too late is too late', async () => {
    await topUp(ledger, alice, 100n)
    const limits = { ...wide, holdAbove: 5n }
    await request('a', { limits })
    expect((await ledger.withdrawals.pay('a')).outcome).toBe('taken')
    expect(await ledger.withdrawals.approve('a', clock.now())).toMatchObject({ state: 'requested' })
    await ledger.withdrawals.pay('a')
    expect(await ledger.withdrawals.reject('a', 'no')).toMatchObject({ state: 'paying' })
    await request('b', { limits })
    expect(await ledger.withdrawals.reject('b', 'no')).toMatchObject({ state: 'failed', reason: 'no' })
    expect(await ledger.withdrawals.approve('b', clock.now())).toMatchObject({ state: 'failed' })
    expect(await ledger.withdrawals.approve('nobody', clock.now())).toBe(null)
    expect(await violations(ledger)).toEqual([])
  })

  test('error: a payout is recorded once, and only for what is being paid', async () => {
    await topUp(ledger, alice, 100n)
    await request('a')
    await expect(intend('a')).rejects.toThrow(IntentError)
    await ledger.withdrawals.pay('a')
    const first = await intend('a')
    await expect(intend('a')).rejects.toThrow(/beside intent/)
    await expect(ledger.withdrawals.fail('a', 'no')).rejects.toThrow(WithdrawalStateError)
    await expect(ledger.withdrawals.wait('a', 'no')).rejects.toThrow(WithdrawalStateError)
    await ledger.updateIntent(first, { state: 'dropped', reason: 'nonce-used-by-another', now: clock.now() })
    const second = await intend('a')
    await ledger.updateIntent(second, { state: 'succeeded', now: clock.now() })
    await expect(intend('a')).rejects.toThrow(/beside intent/)
    await expect(ledger.withdrawals.wait('a', 'no')).rejects.toThrow(WithdrawalStateError)
    await ledger.withdrawals.paid('a', chainRef())
    await expect(ledger.withdrawals.paid('a', chainRef())).rejects.toThrow(WithdrawalStateError)
    await expect(ledger.withdrawals.fail('a', 'no')).rejects.toThrow(WithdrawalStateError)
  })

  test('behavior: credit that a reorganisation took back is not paid out, and a debt is paid first', async () => {
    const ref = { ...chainRef(), blockHash: `0x${'b1'.repeat(32)}` as const }
    await ledger.claim(chargeClaim('top-up', { wallet: alice, amount: 25n, earns: Account.wallet(alice) }))
    await ledger.settled({ paymentId: 'top-up', ref, deliver: 'delivered' })
    await request('w', { amount: 20n })
    const [anchor] = await ledger.reorg.anchors(chainId, 10)
    if (anchor === undefined) throw new Error('nothing is watched')
    await ledger.reorg.reversed({ anchor: anchor.id, reason: 'The chain took it back.' })
    expect(await ledger.reorg.debts(alice)).toMatchObject([{ owed: 20n }])
    expect((await ledger.withdrawals.pay('w')).outcome).toBe('taken')
    expect(await ledger.withdrawals.withdrawal('w')).toMatchObject({ state: 'failed' })
    expect(await ledger.reorg.debts(alice)).toEqual([])
    expect(await balance()).toEqual({ posted: 0n, available: 0n })
    expect(await violations(ledger)).toEqual([])
  })

  test('error: one movement pays one withdrawal, and no charge’s movement pays any', async () => {
    await topUp(ledger, alice, 100n)
    const ref = chainRef()
    for (const id of ['a', 'b']) {
      await request(id)
      await ledger.withdrawals.pay(id)
    }
    await ledger.withdrawals.paid('a', ref)
    await expect(ledger.withdrawals.paid('b', ref)).rejects.toThrow(/is booked for/)
    const [charge] = await ledger.chainEntries(chainId)
    if (charge === undefined) throw new Error('no entry')
    await expect(ledger.withdrawals.paid('b', charge.ref)).rejects.toThrow(/is booked for/)
  })

  test('error: the schema itself refuses a second end, other terms, and removal', async () => {
    await topUp(ledger, alice, 100n)
    await request('a')
    await ledger.withdrawals.fail('a', 'no')
    const database = new Database(join(directory, 'ledger.sqlite'))
    const refused = (text: string, rule: RegExp) => expect(() => database.exec(text), text).toThrow(rule)
    refused("UPDATE withdrawals SET state = 'requested'", /ends once/)
    refused("UPDATE withdrawals SET amount = '1'", /ends once|keeps its terms/)
    refused('DELETE FROM withdrawals', /never deleted/)
    database.close()
  })

  test('behavior: over any history, nothing is paid that was not there, and every law holds', async () => {
    const step = fc.record({
      do: fc.constantFrom(
        'top-up',
        'ask',
        'pay',
        'paid',
        'fail',
        'unknown',
        'wait',
        'reject',
        'approve',
        'spend',
      ),
      which: fc.nat(4),
      amount: fc.bigInt({ min: 1n, max: 30n }),
    })
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
        const own = await openSqliteLedger({ path: ':memory:', clock })
        let [put, out] = [0n, 0n]
        for (const [number, { do: what, which, amount }] of steps.entries()) {
          const id = `w${which}`
          const expected = (error: unknown) => {
            if (!(error instanceof Error) || !/Withdrawal(State|NotFound)Error/.test(error.name)) throw error
            return null
          }
          if (what === 'top-up') {
            await topUp(own, alice, amount)
            put += amount
          } else if (what === 'ask')
            await own.withdrawals.request({
              id,
              key: id,
              nonce: null,
              wallet: alice,
              asset,
              amount,
              to: alice,
              limits: { ...wide, holdAbove: 20n },
              now: clock.now(),
            })
          else if (what === 'pay') await own.withdrawals.pay(id).catch(expected)
          else if (what === 'paid') {
            const before = await own.withdrawals.withdrawal(id)
            const after = await own.withdrawals.paid(id, chainRef()).catch(expected)
            if (after !== null && before?.state !== 'paid') out += after.amount
          } else if (what === 'fail') await own.withdrawals.fail(id, 'history').catch(expected)
          else if (what === 'unknown') await own.withdrawals.unknown(id, 'history').catch(expected)
          else if (what === 'wait') await own.withdrawals.wait(id, 'history').catch(expected)
          else if (what === 'reject') await own.withdrawals.reject(id, 'history')
          else if (what === 'approve') await own.withdrawals.approve(id, clock.now())
          else {
            const claimed = await own.claim(balanceClaim(`p${number}`, { amount, key: `p${number}` }))
            if (claimed.outcome === 'fresh')
              await own.capture({ paymentId: claimed.payment.id, amount, complete: true })
          }
        }
        expect(out <= put).toBe(true)
        expect(await violations(own)).toEqual([])
        await own.close()
      }),
      { numRuns: 60 },
    )
  })
})
