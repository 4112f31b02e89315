import { describe, expect, test } from 'vitest'
import { cachedHolding } from '../../gateway/chain/cached-holding.ts'

const gate = { standard: 'erc721', token: '0x00000000000000000000000000000000000000aa' } as const
const owner = '0x00000000000000000000000000000000000000bb'

function setup(answer: () => Promise<bigint>) {
  let now = 0
  let asked = 0
  const clock = { now: () => now }
  const holding = cachedHolding(
    () => {
      asked += 1
      return answer()
    },
    { clock, ttlMs: 1_000, most: 2 },
  )
  return { holding, asked: () => asked, advance: (ms: number) => (now += ms) }
}

describe('cachedHolding', () => {
  test('default: asks the chain once within its time, and again after it, so that access ends when the token leaves', async () => {
    let held = 1n
    const { holding, asked, advance } = setup(async () => held)
    expect(await holding(gate, owner)).toBe(1n)
    held = 0n
    expect(await holding(gate, owner)).toBe(1n)
    expect(asked()).toBe(1)
    advance(1_000)
    expect(await holding(gate, owner)).toBe(0n)
  })

  test('behavior: a node that did not answer is asked again at once', async () => {
    let fails = true
    const { holding, asked } = setup(async () => {
      if (fails) throw new Error('no answer')
      return 1n
    })
    await expect(holding(gate, owner)).rejects.toThrow('no answer')
    fails = false
    expect(await holding(gate, owner)).toBe(1n)
    expect(asked()).toBe(2)
  })

  test('behavior: strangers with many wallets do not grow it', async () => {
    const { holding, asked } = setup(async () => 0n)
    for (const digit of ['1', '2', '3']) await holding(gate, `0x${digit.repeat(40)}`)
    await holding(gate, `0x${'1'.repeat(40)}`)
    expect(asked()).toBe(4)
  })
})
