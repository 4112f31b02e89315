import { expect, test } from 'vitest'
import { randomBytes } from '../gateway/random.ts'

test('default: never gives a byte string twice, over many blocks (two payments would have one id, two answers one nonce)', () => {
  const sizes = [12, 16, 1, 4_096, 4_095, 32]
  const given = Array.from({ length: 3_000 }, (_, index) => randomBytes(sizes[index % sizes.length] ?? 12))
  for (const [index, bytes] of given.entries()) expect(bytes).toHaveLength(sizes[index % sizes.length] ?? 12)
  const long = given.filter(({ length }) => length >= 12).map((bytes) => bytes.toString('hex'))
  expect(new Set(long).size).toBe(long.length)
})

test('behavior: what was given is its own copy, and stays as it was when more is drawn', () => {
  const first = randomBytes(16)
  const before = first.toString('hex')
  for (let draw = 0; draw < 1_000; draw += 1) randomBytes(16)
  expect(first.toString('hex')).toBe(before)
  expect(first.equals(Buffer.alloc(16))).toBe(false)
})

test('error: more than a block is refused, not cut', () => {
  expect(() => randomBytes(4_097)).toThrow(RangeError)
})
