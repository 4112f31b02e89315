import { describe, expect, test } from 'vitest'
import { median, ratio } from '../../scripts/bench/report.ts'
import type { Sample } from '../../scripts/bench/Sample.ts'

const rated = (...rates: number[]) => rates.map((rate) => ({ rate }) as Sample)

describe('median', () => {
  test('default: the middle value, or the mean of the two', () => {
    expect([median([3, 1, 2]), median([4, 1, 2, 3]), median([])]).toEqual([2, 2.5, null])
  })
})

describe('ratio', () => {
  test('default: the median of what each round saw, so that a slow moment of the machine counts for both', () => {
    const samples = { channel: rated(10, 5, 20), limit: rated(20, 10, 50) }
    expect(ratio(samples, 'channel', 'limit')).toBe(0.5)
  })

  test('behavior: by processor time the row that takes less is the faster', () => {
    const taking = (microsPerCall: number) => [{ rate: 1, microsPerCall } as Sample]
    expect(ratio({ channel: taking(200), limit: taking(100) }, 'channel', 'limit', 'processor')).toBe(0.5)
  })

  test('behavior: a row that was not measured has no ratio', () => {
    expect(ratio({ channel: rated(10) }, 'channel', 'limit')).toBeNull()
  })
})
