import { describe, expect, test } from 'vitest'
import { RowCache } from '../../../../gateway/ledger/sqlite/working-set/RowCache.ts'

describe('RowCache', () => {
  test('behavior: is bounded, and forgets what was not used for longest', () => {
    const rows = new RowCache<number>(10)
    for (let n = 0; n < 1_000; n++) {
      rows.keep(`row ${n}`, n)
      rows.get('row 0')
    }
    const known = Array.from({ length: 1_000 }, (_, n) => rows.get(`row ${n}`)).filter(
      (row) => row !== undefined,
    )
    expect(known.length).toBeLessThanOrEqual(20)
    expect(known).toContain(0)
    expect(known).toContain(999)
  })

  test('behavior: what a failed operation wrote is read again; what it only read stays', () => {
    const rows = new RowCache<number>()
    rows.keep('read', 1)
    rows.put('done', 2)
    rows.settle()
    rows.put('written', 3)
    rows.drop('dropped')
    rows.keep('dropped', 4)
    rows.undo()
    expect(['read', 'done', 'written', 'dropped'].map((key) => rows.get(key))).toEqual([
      1,
      2,
      undefined,
      undefined,
    ])
  })
})
