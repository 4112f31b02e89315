import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Entry } from '../../../../gateway/ledger/sqlite/working-set/Journal.ts'
import { WriteBehind } from '../../../../gateway/ledger/sqlite/working-set/WriteBehind.ts'

type Step = { key: string; value: number } | 'flush'

const step = fc.oneof(
  { weight: 4, arbitrary: fc.record({ key: fc.constantFrom('a', 'b', 'c'), value: fc.integer() }) },
  { weight: 1, arbitrary: fc.constant('flush' as const) },
)
/** Rows that are written by `write`, kept in memory, and told to a journal as what they are. */
function table(
  write: (key: string, row: number, stored: number | undefined) => void,
): WriteBehind.Table<number> {
  return {
    write(changes) {
      for (const { key, row, stored } of changes) write(key, row, stored)
    },
    kept: (row) => row,
    entry: (key, row, again) => [again ? 'channel' : 'account', key, row],
    isSound: (_key, row) => row >= 0,
  }
}
const operation = fc.record({ steps: fc.array(step, { maxLength: 6 }), fails: fc.boolean() })

describe('WriteBehind', () => {
  test('behavior: at the commit the file has what the operations that did not fail wrote (no money from a failed one)', () => {
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 8 }), (operations) => {
        let file = new Map<string, number>()
        const rows = new WriteBehind(
          table((key, row, stored) => {
            // Who writes only what changed relies on it.
            if (stored !== undefined) expect(stored).toBe(file.get(key))
            file.set(key, row)
          }),
        )
        const expected = new Map<string, number>()
        for (const { steps, fails } of operations) {
          const savepoint = new Map(file)
          for (const one of steps as Step[])
            if (one === 'flush') rows.flush()
            else {
              rows.set(one.key, one.value)
              expect(rows.get(one.key)).toBe(one.value)
            }
          if (fails) {
            file = savepoint
            rows.undo()
          } else {
            rows.settle()
            for (const one of steps as Step[]) if (one !== 'flush') expected.set(one.key, one.value)
          }
          for (const key of ['a', 'b', 'c']) expect(rows.get(key) ?? file.get(key)).toBe(expected.get(key))
        }
        rows.flush()
        rows.settle()
        expect(file).toEqual(expected)
      }),
      { numRuns: 500 },
    )
  })

  test('behavior: a row that was read and not changed is not written', () => {
    const written: string[] = []
    const rows = new WriteBehind(table((key) => void written.push(key)))
    rows.keep('a', 1)
    rows.set('b', 2)
    rows.flush()
    expect(written).toEqual(['b'])
    expect([rows.get('a'), rows.get('b'), rows.isDirty]).toEqual([1, 2, false])
  })

  test('behavior: a row that was written otherwise, or is read anew, is not the one of before', () => {
    const rows = new WriteBehind(table(() => {}))
    rows.set('a', 1)
    rows.flush()
    expect(rows.get('a')).toBe(1)
    rows.drop('a')
    expect(rows.get('a')).toBe(undefined)
    rows.keep('a', 2)
    expect(rows.get('a')).toBe(2)
    rows.keep('a', 3)
    expect(rows.get('a')).toBe(3)
  })

  test('behavior: of a row that is not remembered nothing is left in memory once it is written', () => {
    const rows = new WriteBehind({ ...table(() => {}), kept: () => null })
    rows.set('a', 1)
    rows.settle()
    rows.flush()
    expect(rows.get('a')).toBe(undefined)
  })

  test('behavior: what another connection may have changed is forgotten', () => {
    const rows = new WriteBehind(table(() => {}))
    rows.keep('a', 1)
    rows.set('b', 2)
    rows.forget()
    expect([rows.get('a'), rows.get('b'), rows.isDirty]).toEqual([undefined, undefined, false])
  })

  test('behavior: the journal is told each change once, and that it has the row already (replayed in order it gives the same rows)', () => {
    const rows = new WriteBehind(table(() => {}))
    const told = () => {
      const entries: Entry[] = []
      rows.tell(entries)
      return entries
    }
    rows.keep('read', 7)
    rows.set('a', 1)
    rows.settle()
    rows.set('b', 2)
    rows.undo()
    expect(told()).toEqual([['account', 'a', 1]])
    expect(told()).toEqual([])
    rows.set('a', 3)
    rows.set('b', 4)
    rows.settle()
    expect(told()).toEqual([
      ['channel', 'a', 3],
      ['account', 'b', 4],
    ])
    rows.flush()
    rows.set('a', 5)
    expect(told()).toEqual([['account', 'a', 5]])
  })

  test('behavior: what the schema would refuse is noticed of the operation that did it', () => {
    const rows = new WriteBehind(table(() => {}))
    rows.set('a', 1)
    expect(rows.isSound).toBe(true)
    rows.settle()
    rows.set('b', -1)
    expect(rows.isSound).toBe(false)
    rows.undo()
    expect(rows.isSound).toBe(true)
  })
})
