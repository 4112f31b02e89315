import { describe, expect, test } from 'vitest'
import { Generations } from '../gateway/Generations.ts'

describe('Generations', () => {
  test('default: says what was set last under a name', () => {
    const known = new Generations<number>(2)
    known.set('a', 1)
    known.set('a', 2)
    expect(known.get('a')).toBe(2)
    expect(known.get('b')).toBeUndefined()
    known.clear()
    expect(known.get('a')).toBeUndefined()
  })

  test('attack: names without end do not fill the memory, and those in use stay', () => {
    const known = new Generations<number>(10)
    for (let n = 0; n < 1_000; n++) {
      known.set(`name ${n}`, n)
      known.get('name 0')
    }
    const held = Array.from({ length: 1_000 }, (_, n) => known.get(`name ${n}`)).filter(
      (n) => n !== undefined,
    )
    expect(held.length).toBeLessThanOrEqual(20)
    expect(held).toContain(0)
    expect(held).toContain(999)
  })

  test('attack: what is in every object of JavaScript is not known here, and is a name like any other', () => {
    const known = new Generations<number>(4)
    for (const name of ['__proto__', 'constructor', 'toString', 'hasOwnProperty', '0']) {
      expect(known.get(name)).toBeUndefined()
      known.set(name, 1)
      expect(known.get(name)).toBe(1)
      known.delete(name)
      expect(known.get(name)).toBeUndefined()
    }
    expect(Object.hasOwn({}, '__proto__')).toBe(false)
  })

  test('behavior: what is deleted does not come back from the older generation (a stale row would be spent from)', () => {
    const known = new Generations<number>(2)
    known.set('row', 1)
    known.set('a', 0)
    // A new generation begins; in the older one the row is as it was.
    known.set('b', 0)
    known.set('row', 2)
    known.delete('row')
    expect(known.get('row')).toBeUndefined()
  })

  test('behavior: putting one name in and taking it out again and again forgets nothing else', () => {
    const known = new Generations<number>(4)
    known.set('kept', 1)
    for (let n = 0; n < 100; n++) {
      known.set('passing', n)
      known.delete('passing')
    }
    expect(known.get('kept')).toBe(1)
  })
})
