import type { Address, Hex } from 'viem'
import { describe, expect, test, vi } from 'vitest'
import type { Event } from '../../gateway/chain/EscrowCalls.ts'
import type { Channel } from '../../gateway/ledger/Channel.ts'
import { bookingOf } from '../../gateway/settlement/booking.ts'
import * as Difference from '../../gateway/settlement/Difference.ts'
import { isDue } from '../../gateway/settlement/due.ts'
import { batches, finalSettlement, type Plan, plan } from '../../gateway/settlement/plan.ts'
import { Quarantine } from '../../gateway/settlement/Quarantine.ts'
import { split } from '../../gateway/settlement/reconcile.ts'
import { endingOf } from '../../gateway/settlement/recover-open-payments.ts'
import { createTimer } from '../../gateway/settlement/timer.ts'

const token: Address = `0x${'aa'.repeat(20)}`
const id: Hex = `0x${'01'.repeat(32)}`
const channel = (over: Partial<Channel> = {}): Channel => ({
  id,
  chainId: 1,
  escrow: token,
  payer: token,
  payee: token,
  token,
  asset: `eip155:1/erc20:${token}`,
  signer: token,
  deposit: 1_000n,
  settled: 0n,
  accepted: 500n,
  spent: 300n,
  reserved: 0n,
  voucher: null,
  closeRequestedAt: null,
  suspended: null,
  depositMissing: 0n,
  inDebt: 0n,
  finalized: false,
  openedAt: 0,
  unsettledSince: 1_000,
  lastUsedAt: 0,
  ...over,
})
const schedule = { thresholds: new Map([[token, 400n]]), maxAgeMs: 10_000 }

describe('isDue', () => {
  test('default: not due below the threshold and before the age', () => {
    expect(isDue(channel(), schedule, 5_000)).toBeNull()
  })
  test('behavior: due exactly at the threshold, exactly at the age, and at once when a close is requested', () => {
    expect(isDue(channel({ spent: 399n }), schedule, 5_000)).toBeNull()
    expect(isDue(channel({ spent: 400n }), schedule, 5_000)).toBe('threshold')
    expect(isDue(channel(), schedule, 10_999)).toBeNull()
    expect(isDue(channel(), schedule, 11_000)).toBe('age')
    expect(isDue(channel({ closeRequestedAt: 1 }), schedule, 0)).toBe('close-requested')
  })
  test('behavior: a token without a threshold is due by age alone', () => {
    const other = { ...schedule, thresholds: new Map() }
    expect(isDue(channel({ spent: 10n ** 30n }), other, 5_000)).toBeNull()
  })
  test('behavior: never due when nothing is unsettled or the channel has ended', () => {
    expect(isDue(channel({ settled: 300n, closeRequestedAt: 1 }), schedule, 99_999)).toBeNull()
    expect(isDue(channel({ finalized: true }), schedule, 99_999)).toBeNull()
  })
})

describe('plan', () => {
  const spent = { cumulative: 300n, signature: '0x01' } as const
  const final = { cumulative: 350n, signature: '0x02' } as const

  test('default: settles with the best voucher that is spent', () => {
    expect(plan(channel(), 'age', { spent, final })).toMatchObject({
      action: 'settle',
      settlement: { channelId: id, cumulative: 300n, signature: '0x01' },
    })
  })
  test('behavior: closes with the final one when asked to; settles while calls are running', () => {
    expect(plan(channel(), 'close-requested', { spent, final })).toMatchObject({
      action: 'close',
      settlement: { cumulative: 350n },
    })
    expect(plan(channel({ reserved: 1n }), 'close-requested', { spent, final })).toMatchObject({
      action: 'settle',
      settlement: { cumulative: 300n },
    })
  })
  test('behavior: nothing to do without a voucher above what is settled', () => {
    expect(plan(channel(), 'age', { spent: null, final })).toBeNull()
    expect(plan(channel({ settled: 300n }), 'age', { spent, final })).toBeNull()
  })
})

describe('finalSettlement', () => {
  const of = (cumulative: bigint) => ({ cumulative, signature: `0x${cumulative}` as Hex })
  test('default: the lowest voucher that covers what was spent', () => {
    expect(finalSettlement(channel(), [of(500n), of(300n), null, of(200n)]).cumulative).toBe(300n)
  })
  test('behavior: the best there is when none covers it, and no signature when none moves anything', () => {
    expect(finalSettlement(channel(), [of(100n), of(200n)])).toMatchObject({ cumulative: 200n })
    expect(finalSettlement(channel({ spent: 0n }), [])).toMatchObject({ cumulative: 0n, signature: '0x' })
    expect(finalSettlement(channel({ settled: 300n }), [of(300n)])).toMatchObject({
      cumulative: 300n,
      signature: '0x',
    })
  })
})

describe('batches', () => {
  test('default: by token, at most so many in each', () => {
    const made = (of: Address): Plan => ({
      action: 'settle',
      token: of,
      reason: 'age',
      settlement: { channelId: id, cumulative: 1n, signature: '0x' },
    })
    const other: Address = `0x${'bb'.repeat(20)}`
    const plans = [made(token), made(other), made(token), made(token)]
    expect(batches(plans, 2).map((group) => group.map((one) => one.token))).toEqual([
      [token, token],
      [token],
      [other],
    ])
    expect(batches([], 2)).toEqual([])
  })
})

describe('bookingOf', () => {
  const place = { transaction: id, logIndex: 0, block: 1n, channelId: id }
  const settled = (cumulative: bigint, delta: bigint): Event => ({
    ...place,
    name: 'settled',
    payee: token,
    cumulative,
    delta,
  })
  const closed = (amount: bigint): Event => ({
    ...place,
    name: 'closed',
    payee: token,
    settled: amount,
    refunded: 0n,
  })
  test('default: a settlement books its cumulative amount', () => {
    expect(bookingOf(settled(100n, 100n), channel(), false)).toEqual({ kind: 'settled', cumulative: 100n })
  })
  test('behavior: what came before is missing: later, unless read in order', () => {
    expect(bookingOf(settled(100n, 50n), channel(), false)).toEqual({ kind: 'later' })
    expect(bookingOf(settled(100n, 50n), channel(), true)).toEqual({ kind: 'settled', cumulative: 100n })
    expect(bookingOf(settled(100n, 50n), channel({ settled: 100n }), false)).toMatchObject({
      kind: 'settled',
    })
    expect(bookingOf(closed(100n), channel(), false)).toEqual({ kind: 'later' })
    expect(bookingOf(closed(100n), channel({ settled: 100n }), false)).toEqual({ kind: 'finalized' })
  })
  test('behavior: a request to close only says when to look; a top-up of an unknown channel is not ours', () => {
    const name = 'close-requested'
    expect(bookingOf({ ...place, name, payee: token, closeEndsAt: 9n }, channel(), true)).toEqual({
      kind: 'close-state',
    })
    const topUp: Event = { ...place, name: 'topped-up', from: token, deposit: 5n, added: 1n }
    expect(bookingOf(topUp, null, true)).toEqual({ kind: 'none' })
    expect(bookingOf(topUp, channel(), true)).toEqual({ kind: 'seen', deposit: 5n })
  })
})

describe('endingOf', () => {
  test('default: in doubt for the payer', () => {
    expect(endingOf({ delivery: 'held', money: 'held' }, false)).toBe('voided')
    expect(endingOf({ delivery: 'delivering', money: 'captured' }, false)).toBe('refunded')
    expect(endingOf({ delivery: 'delivering', money: 'captured' }, true)).toBe('completed')
    expect(endingOf({ delivery: 'delivering', money: 'settled' }, false)).toBe('refunded')
    expect(endingOf({ delivery: 'held', money: 'settling' }, true)).toBe('left')
    expect(endingOf({ delivery: 'delivered', money: 'unknown' }, true)).toBe('left')
  })
})

describe('Quarantine', () => {
  test('default: holds back twice as long each time, at most an hour, and forgets what settled', () => {
    const quarantine = new Quarantine()
    expect(quarantine.isHeld(id, 0)).toBe(false)
    expect(quarantine.add(id, 'bad', 0).until).toBe(30_000)
    expect(quarantine.isHeld(id, 29_999)).toBe(true)
    expect(quarantine.isHeld(id, 30_000)).toBe(false)
    expect(quarantine.add(id, 'bad', 0).until).toBe(60_000)
    for (let index = 0; index < 50; index += 1) quarantine.add(id, 'bad', 0)
    expect(quarantine.entries().get(id)?.until).toBe(3_600_000)
    quarantine.clear(id)
    expect(quarantine.entries().size).toBe(0)
  })
})

describe('Difference', () => {
  const movement = { transaction: id, received: 5n, sent: 0n, booked: 5n, paidOut: 0n }
  const side = { deposit: 5n, settled: 1n, finalized: false }
  test('default: nothing when both sides agree', () => {
    expect(Difference.ofMovement('USD', movement)).toEqual([])
    expect(Difference.ofMovement('USD', { ...movement, sent: 2n, paidOut: 2n })).toEqual([])
    expect(Difference.ofChannel(id, side, side)).toEqual([])
    expect(Difference.ofChannel(id, null, null)).toEqual([])
    expect(Difference.ofTreasury('USD', 5n, 5n)).toEqual([])
  })
  test('behavior: each sentence states both sides', () => {
    const short = (text: string) => text.replaceAll(id, '<id>')
    const all = [
      ...Difference.ofMovement('USD', { ...movement, booked: 0n }),
      ...Difference.ofMovement('USD', { ...movement, received: 0n }),
      ...Difference.ofMovement('USD', { ...movement, booked: 4n, sent: 2n }),
      ...Difference.ofChannel(id, null, side),
      ...Difference.ofChannel(id, side, null),
      ...Difference.ofChannel(id, { ...side, deposit: 6n, finalized: true }, { ...side, settled: 2n }),
      ...Difference.ofTreasury('USD', 5n, 4n),
    ].map(({ text }) => short(text))
    expect(all).toMatchInlineSnapshot(`
      [
        "Transaction <id> moved 5 of USD to the payee; the books have nothing of it.",
        "Transaction <id> moved nothing of USD to the payee; the books have 5 of it.",
        "Transaction <id> moved 5 of USD to the payee; the books have 4 of it.",
        "Transaction <id> moved 2 of USD away from the payee; the books know no payout.",
        "Channel <id> is in the books; the escrow does not have it.",
        "Channel <id> holds 5 in the escrow for the payee; the books do not have it.",
        "Channel <id> has deposit 6 in the escrow and 5 in the books.",
        "Channel <id> has settled 1 in the escrow and 2 in the books.",
        "Channel <id> is closed in the escrow and open in the books.",
        "The treasury of USD says that 4 arrived; its entries with a chain reference sum to 5.",
      ]
    `)
  })
})

describe('split', () => {
  test('default: covers every block once', () => {
    expect([...split({ from: 3n, to: 9n }, 3n)]).toEqual([
      { from: 3n, to: 5n },
      { from: 6n, to: 8n },
      { from: 9n, to: 9n },
    ])
    expect([...split({ from: 3n, to: 2n }, 3n)]).toEqual([])
  })
})

describe('createTimer', () => {
  test('default: repeats, outlives a failure, and stops after the work under way', async () => {
    vi.useFakeTimers()
    try {
      const failures: unknown[] = []
      let runs = 0
      const timer = createTimer(
        1_000,
        async () => {
          runs += 1
          if (runs === 1) throw new Error('once')
        },
        (error) => failures.push(error),
      )
      timer.start()
      timer.start()
      await vi.advanceTimersByTimeAsync(2_500)
      expect(runs).toBe(3)
      expect(failures).toHaveLength(1)
      await timer.stop()
      await vi.advanceTimersByTimeAsync(5_000)
      expect(runs).toBe(3)
    } finally {
      vi.useRealTimers()
    }
  })

  test('behavior: how long it pauses is asked after each time, and what no timer can wait for is no haste', async () => {
    vi.useFakeTimers()
    try {
      const pauses = [1_000, 5_000, 2 ** 40]
      let runs = 0
      const timer = createTimer(
        () => pauses[runs - 1] ?? 0,
        async () => {
          runs += 1
        },
        () => {},
      )
      timer.start()
      await vi.advanceTimersByTimeAsync(1_000)
      expect(runs).toBe(2)
      await vi.advanceTimersByTimeAsync(4_999)
      expect(runs).toBe(2)
      await vi.advanceTimersByTimeAsync(1)
      expect(runs).toBe(3)
      await vi.advanceTimersByTimeAsync(86_400_000)
      expect(runs).toBe(3)
      await timer.stop()
    } finally {
      vi.useRealTimers()
    }
  })
})
