import type { Hex } from 'viem'
import { expect, test } from 'vitest'
import { askChannels } from '../../gateway/settlement/ask-channels.ts'

test('askChannels: asks for many at once, never for all, and answers in order (start-up does not wait once a channel)', async () => {
  const ids = Array.from({ length: 70 }, (_, n): Hex => `0x${n}`)
  const waves: number[] = []
  let underWay = 0
  const channel = async () => {
    underWay += 1
    await new Promise((resolve) => setImmediate(resolve))
    if (underWay > 0) waves.push(underWay)
    underWay = 0
    return null
  }
  const named: Hex[] = []
  for await (const [id] of askChannels({ channel }, ids, 1n)) named.push(id)
  expect(named).toEqual(ids)
  expect(waves).toEqual([32, 32, 6])
})
