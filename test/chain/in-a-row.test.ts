import { setImmediate } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { inARow } from '../../gateway/chain/signatures/in-a-row.ts'

/** Vouchers of a turn are checked in a row: each caller must get its own answer, or one would be served for another's signature. */
describe('inARow', () => {
  test('default: each question gets its own answer, in the order of asking, once the turn is over', async () => {
    const seen: number[] = []
    const double = inARow((n: number) => {
      seen.push(n)
      return n * 2
    })
    const answers = Promise.all([double(1), double(2), double(3)])
    expect(seen).toEqual([])
    expect(await answers).toEqual([2, 4, 6])
    expect(seen).toEqual([1, 2, 3])
  })

  test('behavior: what is asked while the work is done has its turn later, and nothing is asked twice', async () => {
    const seen: string[] = []
    const later: Promise<string>[] = []
    const ask: (name: string) => Promise<string> = inARow((name: string) => {
      seen.push(name)
      if (name === 'first') later.push(ask('asked inside'))
      return name
    })
    await Promise.all([ask('first'), ask('second')])
    expect(seen).toEqual(['first', 'second'])
    await Promise.all(later)
    await setImmediate()
    expect(seen).toEqual(['first', 'second', 'asked inside'])
  })

  test('error: what fails, fails for who asked it alone', async () => {
    const half = inARow((n: number) => {
      if (n % 2 === 1) throw new Error(`${n} is odd`)
      return n / 2
    })
    expect(await Promise.allSettled([half(2), half(3), half(4)])).toEqual([
      { status: 'fulfilled', value: 1 },
      { status: 'rejected', reason: new Error('3 is odd') },
      { status: 'fulfilled', value: 2 },
    ])
  })
})
