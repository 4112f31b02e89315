import fc from 'fast-check'
import type { Address, Hex } from 'viem'
import { describe, expect, test } from 'vitest'
import * as Account from '../../../gateway/ledger/Account.ts'
import type { Channel } from '../../../gateway/ledger/Channel.ts'
import type { Ledger } from '../../../gateway/ledger/Ledger.ts'
import type { Open } from '../behaviour.ts'
import {
  alice,
  asset,
  balanceClaim,
  bob,
  chainRef,
  channelClaim,
  chargeClaim,
  openChannel,
  revenue,
  signature,
  testClock,
  topUp,
} from '../fixtures.ts'

export const wallets: Address[] = [alice, bob]
export const ids: Hex[] = [`0x${'c1'.repeat(32)}`, `0x${'c2'.repeat(32)}`]
/** Channel and wallet of the same number belong together. */
const at = <Item>(items: Item[], index: number): Item => {
  const item = items[index % items.length]
  if (item === undefined) throw new Error('an empty list')
  return item
}

const small = fc.bigInt({ min: 0n, max: 60n })
const who = fc.nat(1)
const some = fc.nat(30)
/** One thing that may happen to the books. */
export const step = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant('pay-by-channel'), who, amount: small, ahead: small, key: some }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('pay-by-balance'), who, amount: small, key: some }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('pay-by-charge'), who, amount: small, key: some }) },
  { weight: 5, arbitrary: fc.record({ do: fc.constant('capture'), payment: some, amount: small }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('void'), payment: some }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('complete'), payment: some }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('refund'), payment: some }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('earn'), payment: some }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('credit'), payment: some }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('lose'), payment: some }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('sign'), who, ahead: small }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('settle'), who, share: fc.nat(120) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('top-up'), who, amount: small }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('end'), who }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('roll-up') }) },
)
export type Step = Partial<{
  who: number
  amount: bigint
  ahead: bigint
  key: number
  payment: number
  share: number
}> & {
  do: string
}

/** Applies one step, and returns what it came to. Refusals by state are part of a history. */
export async function apply(
  ledger: Ledger,
  done: Step,
  payments: string[],
  number: number,
  ref = chainRef(),
): Promise<unknown> {
  const { who = 0, amount = 0n, ahead = 0n, key = 0, payment = 0, share = 0 } = done
  const [wallet, channelId] = [at(wallets, who), at(ids, who)]
  // In the order of time, as ids are.
  const id = `pay_${String(number).padStart(4, '0')}`
  const paid = payments.length === 0 ? 'nobody' : at(payments, payment)
  const run = async (): Promise<unknown> => {
    switch (done.do) {
      case 'pay-by-channel': {
        const cumulative = ((await ledger.channel(channelId))?.accepted ?? 0n) + ahead
        const fingerprint = `call ${key % 3}`
        return ledger.claim(channelClaim(id, cumulative, { channelId, wallet, amount, fingerprint }))
      }
      case 'pay-by-balance':
        return ledger.claim(balanceClaim(id, { wallet, amount, key: `balance:${who}:${key}` }))
      case 'pay-by-charge':
        return ledger.claim(chargeClaim(id, { wallet, amount, key: `charge:${who}:${key}` }))
      case 'capture': {
        const most = (await ledger.payment({ id: paid }))?.amount ?? 0n
        return ledger.capture({ paymentId: paid, amount: amount < most ? amount : most })
      }
      case 'void':
        return ledger.void(paid, 'history')
      case 'complete':
        return ledger.complete(paid)
      case 'refund':
        return ledger.refund(paid, 'history')
      case 'earn':
        return ledger.settled({ paymentId: paid, ref, deliver: 'delivering' })
      case 'credit':
        return ledger.settled({ paymentId: paid, ref, deliver: 'credit' })
      case 'lose':
        return ledger.lost(paid, 'history')
      case 'sign': {
        const cumulative = ((await ledger.channel(channelId))?.accepted ?? 0n) + ahead
        return ledger.acceptVoucher({ channelId, cumulative, signature, minDelta: 0n, now: number })
      }
      case 'settle': {
        const accepted = (await ledger.channel(channelId))?.accepted ?? 0n
        const cumulative = (accepted * BigInt(share)) / 100n
        return ledger.channelSettled({ id: channelId, cumulative, ref, now: number })
      }
      case 'roll-up':
        return ledger.rollUp(Number.MAX_SAFE_INTEGER)
      case 'top-up':
        return topUp(ledger, wallet, amount, ref)
      default:
        return ledger.channelFinalized(channelId)
    }
  }
  const result = await run().catch((error: unknown) => {
    const expected = ['PaymentStateError', 'PaymentNotFoundError', 'ChainReferenceError']
    if (error instanceof Error && expected.includes(error.name)) return error.name
    throw error
  })
  if (isFresh(result)) payments.push(result.payment.id)
  return result
}

function isFresh(result: unknown): result is { payment: { id: string } } {
  return result !== null && typeof result === 'object' && 'outcome' in result && result.outcome === 'fresh'
}

/** Law 3: what only grows has grown. */
function expectGrown(before: (Channel | null)[], after: (Channel | null)[]): void {
  for (const [index, channel] of after.entries())
    for (const counter of ['deposit', 'settled', 'accepted', 'spent'] as const)
      expect(channel?.[counter] ?? 0n).toBeGreaterThanOrEqual(before[index]?.[counter] ?? 0n)
}

/**
 * The model: nobody's money is lost or made. What a payer gave (vouchers, transfers) is what calls were charged, plus
 * what is prepaid, plus credit, plus what went back to it when its channel ended.
 */
async function expectConserved(ledger: Ledger, who: number, payments: string[]): Promise<void> {
  const posted = async (account: Account.Account) => (await ledger.balance(account, asset)).posted
  const [wallet, id] = [at(wallets, who), at(ids, who)]
  const channel = await ledger.channel(id)
  const rows = (
    await Promise.all([...new Set(payments)].map((payment) => ledger.payment({ id: payment })))
  ).filter((payment) => payment?.wallet === wallet)
  const charged = rows.reduce((sum, row) => sum + (row?.charged ?? 0n), 0n)
  const arrived = (await ledger.chainEntries(31337))
    .filter(({ kind }) => kind === 'charge')
    .map(async ({ subject, amount }) =>
      (await ledger.payment({ id: subject }))?.wallet === wallet ? amount : 0n,
    )
  const transferred = (await Promise.all(arrived)).reduce((sum, amount) => sum + amount, 0n)
  const prepaid = await posted(Account.prepaid(id))
  const unspent = (channel?.accepted ?? 0n) - (channel?.spent ?? 0n)
  const returned = channel?.finalized === true ? unspent - prepaid : 0n
  const given = (channel?.accepted ?? 0n) + transferred
  expect((await posted(Account.wallet(wallet))) + prepaid + returned + charged).toBe(given)
}

/** Routes earn what calls were charged and what was lost; what was lost is what never arrived. */
async function expectEarned(ledger: Ledger, payments: string[]): Promise<void> {
  const rows = await Promise.all([...new Set(payments)].map((id) => ledger.payment({ id })))
  const sum = (values: (bigint | undefined)[]) =>
    values.reduce<bigint>((total, value) => total + (value ?? 0n), 0n)
  const charged = sum(rows.map((row) => row?.charged))
  const lost = sum(rows.filter((row) => row?.money === 'lost').map((row) => row?.amount))
  const ended = await ledger.channels({ finalized: true })
  const unsettled = sum(ended.map(({ spent, settled }) => spent - settled))
  expect((await ledger.balance(revenue, asset)).posted).toBe(charged + lost)
  expect((await ledger.balance(Account.loss, asset)).posted).toBe(-lost - unsettled)
}

export function histories(open: Open): void {
  describe('any history', () => {
    const run = async (steps: Step[], together: number) => {
      const ledger = await open(testClock())
      const payments: string[] = []
      try {
        for (const id of ids) await openChannel(ledger, 10n ** 30n, id, at(wallets, ids.indexOf(id)))
        let before = await Promise.all(ids.map((id) => ledger.channel(id)))
        for (let n = 0; n < steps.length; n += together) {
          const some = steps.slice(n, n + together)
          await Promise.all(some.map((step, k) => apply(ledger, step, payments, n + k)))
          const after = await Promise.all(ids.map((id) => ledger.channel(id)))
          expectGrown(before, after)
          before = after
        }
        const { balanced, laws, trail } = await ledger.audit()
        expect(laws.flatMap((law) => law.violations).concat(trail.violations)).toEqual([])
        expect(balanced).toBe(true)
        await expectEarned(ledger, payments)
        for (const who of [0, 1]) await expectConserved(ledger, who, payments)
      } finally {
        await ledger.close()
      }
    }

    test('behavior: keeps every law, step by step (nobody loses or makes money)', async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 60 }), (steps) => run(steps, 1)),
        { numRuns: 60 },
      )
    })

    test('behavior: keeps every law when steps arrive together', async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 80 }), (steps) => run(steps, 8)),
        { numRuns: 40 },
      )
    })
  })
}
