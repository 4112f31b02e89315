import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import * as Channel from '../../../client/channel/Channel.ts'

const address = '0x1111111111111111111111111111111111111111'
const empty: Channel.Channel = {
  channelId: `0x${'11'.repeat(32)}`,
  chainId: 1,
  escrow: address,
  payer: address,
  payee: address,
  token: address,
  origin: 'https://shop.example',
  url: 'https://shop.example/',
  method: 'GET',
  state: 'open',
  deposit: 1_000_000n,
  signed: 0n,
  accepted: 0n,
  spent: 0n,
  uncertain: 0n,
  reserved: {},
}

type Step =
  | { do: 'reserve'; key: string; price: bigint }
  | { do: 'deliver' | 'release'; key: string }
  | { do: 'correct'; key: string; spent: bigint; accepted: bigint }

const key = fc.constantFrom('a', 'b', 'c', 'd', 'e')
const claim = fc.bigInt({ min: 0n, max: 10_000_000n })
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ do: fc.constant('reserve' as const), key, price: fc.bigInt({ min: 1n, max: 1_000n }) }),
  fc.record({ do: fc.constantFrom('deliver' as const, 'release' as const), key }),
  fc.record({ do: fc.constant('correct' as const), key, spent: claim, accepted: claim }),
)

describe('reserve', () => {
  test('default: gives increasing numbers to calls at once', () => {
    let channel = empty
    const numbers: bigint[] = []
    for (const name of ['a', 'b', 'c']) {
      const reserved = Channel.reserve(channel, { key: name, price: 10n, minDelta: 0n, ahead: 0n, now: 0 })
      if (reserved.outcome !== 'reserved') throw new Error('short')
      numbers.push(reserved.cumulative)
      channel = reserved.channel
    }
    expect(numbers).toEqual([10n, 20n, 30n])
  })

  test('behavior: the same key at the same price keeps its number', () => {
    const first = Channel.reserve(empty, { key: 'a', price: 10n, minDelta: 0n, ahead: 0n, now: 0 })
    if (first.outcome !== 'reserved') throw new Error('short')
    const again = Channel.reserve(first.channel, { key: 'a', price: 10n, minDelta: 0n, ahead: 0n, now: 1 })
    expect(again).toMatchObject({ outcome: 'reserved', cumulative: 10n, increase: 0n })
  })

  test('behavior: says what is missing above the deposit', () => {
    const short = Channel.reserve(
      { ...empty, deposit: 5n },
      { key: 'a', price: 10n, minDelta: 0n, ahead: 0n, now: 0 },
    )
    expect(short).toEqual({ outcome: 'short', missing: 5n })
  })

  test('behavior: whatever the gateway does, what is signed never exceeds the prices of the calls made and what may be signed ahead', () => {
    const aheads = fc.constantFrom(0n, 0n, 500n, 5_000n)
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), aheads, (steps, ahead) => {
        let channel = empty
        let prices = 0n
        for (const next of steps) {
          const before = channel
          if (next.do === 'reserve') {
            if (channel.reserved[next.key] !== undefined) continue
            const reserved = Channel.reserve(channel, {
              key: next.key,
              price: next.price,
              minDelta: 0n,
              ahead,
              now: 0,
            })
            if (reserved.outcome !== 'reserved') continue
            prices += next.price
            channel = reserved.channel
          } else if (channel.reserved[next.key] === undefined) continue
          else if (next.do === 'release') channel = Channel.released(channel, next.key)
          else if (next.do === 'deliver') {
            const cost = channel.reserved[next.key]?.amount ?? 0n
            channel = Channel.delivered(channel, { key: next.key, cost, now: 0 })
          } else if (next.do === 'correct') {
            const released = Channel.refused(channel, next.key)
            const { spent, accepted } = next
            channel = Channel.corrected(released, { spent, accepted }, 0)
          }
          expect(channel.signed).toBeGreaterThanOrEqual(before.signed)
          expect(channel.signed).toBeLessThanOrEqual(prices + ahead)
          expect(channel.spent).toBeLessThanOrEqual(channel.signed)
          expect(channel.signed).toBeLessThanOrEqual(channel.deposit)
        }
      }),
      { numRuns: 500 },
    )
  })
})

describe('reserve, signing ahead', () => {
  const call = { price: 10n, minDelta: 0n, now: 0 }
  function reserved(channel: Channel.Channel, key: string, ahead: bigint) {
    const result = Channel.reserve(channel, { ...call, key, ahead })
    if (result.outcome !== 'reserved') throw new Error('short')
    return result
  }

  test('default: one number is for this call and whole calls to come, which then sign nothing', () => {
    const first = reserved(empty, 'a', 29n)
    expect(first).toMatchObject({ cumulative: 30n, increase: 30n, ahead: 20n, channel: { ahead: 'signed' } })
    const second = reserved(first.channel, 'b', 29n)
    expect(second).toMatchObject({ cumulative: 30n, increase: 0n, ahead: 0n })
    const third = reserved(second.channel, 'c', 29n)
    expect(third).toMatchObject({ cumulative: 30n, increase: 0n })
    expect(reserved(third.channel, 'd', 29n)).toMatchObject({ cumulative: 60n, increase: 30n })
  })

  test('behavior: the deposit is not signed over for calls to come', () => {
    expect(reserved({ ...empty, deposit: 25n }, 'a', 100n)).toMatchObject({ cumulative: 20n, ahead: 10n })
    expect(reserved({ ...empty, deposit: 10n }, 'a', 100n)).toMatchObject({ cumulative: 10n, ahead: 0n })
  })

  test('behavior: a gateway that claims what was signed ahead is followed once, and gets no more ahead', () => {
    const { channel } = reserved(empty, 'a', 20n)
    const claimed = Channel.corrected(Channel.refused(channel, 'a'), { spent: 30n }, 0)
    expect(claimed).toMatchObject({ spent: 30n, ahead: 'claimed' })
    const next = reserved(claimed, 'b', 20n)
    expect(next).toMatchObject({ cumulative: 40n, increase: 10n, ahead: 0n })
    expect(Channel.corrected(Channel.refused(next.channel, 'b'), { spent: 40n }, 0).spent).toBe(30n)
  })

  test('behavior: what calls in flight cost is no claim on what was signed ahead', () => {
    const first = reserved(empty, 'a', 20n)
    const second = reserved(first.channel, 'b', 20n)
    const corrected = Channel.corrected(Channel.refused(second.channel, 'b'), { spent: 10n }, 0)
    expect(corrected).toMatchObject({ spent: 0n, ahead: 'signed' })
  })
})

describe('isOpeningOver', () => {
  test('default: when the signed opening can no longer be used', () => {
    const channel = { ...empty, validBefore: 100n }
    expect(Channel.isOpeningOver(channel, 99_999)).toBe(false)
    expect(Channel.isOpeningOver(channel, 100_000)).toBe(true)
    expect(Channel.isOpeningOver(empty, 1e15)).toBe(false)
  })
})
