import { expect, test } from 'vitest'
import { Rest } from '../../gateway/settlement/Rest.ts'

test('default: long work is done again after 49 times as long (a walk over a million channels leaves the rest to calls)', () => {
  const rest = new Rest()
  expect(rest.lasts(0)).toBe(false)
  rest.after(1_000, 3_000)
  expect(rest.lasts(3_000)).toBe(true)
  expect(rest.lasts(100_999)).toBe(true)
  expect(rest.lasts(101_000)).toBe(false)
})

test('behavior: short work needs no rest (a threshold is looked for at every tick)', () => {
  const rest = new Rest()
  rest.after(1_000, 1_249)
  expect(rest.lasts(1_249)).toBe(false)
  rest.after(1_000, 1_250)
  expect(rest.lasts(1_250)).toBe(true)
})

test('behavior: no rest is longer than ten minutes, nor outlives a clock that was set back (a threshold is not forgotten)', () => {
  const rest = new Rest()
  rest.after(0, 86_400_000)
  expect(rest.lasts(87_000_000 - 1)).toBe(true)
  expect(rest.lasts(87_000_000)).toBe(false)
  expect(rest.lasts(86_399_999)).toBe(false)
})
