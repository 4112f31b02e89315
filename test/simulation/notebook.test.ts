import { expect, test } from 'vitest'
import { Notebook } from '../../scripts/simulate/Notebook.ts'
import { Random } from '../../scripts/simulate/Random.ts'
import { routes } from '../../scripts/simulate/simulated-config.ts'
import type { World } from '../../scripts/simulate/World.ts'

// Seed 300500: two calls of one name looked like one call that the upstream had run twice.
test('default: calls that are begun together have names of their own, whatever is drawn', () => {
  const always = Object.assign(new Random(1), { between: () => 0x3f6f })
  const notebook = new Notebook('payer-0', {} as World, always)
  const names = [1, 2, 3].map(() => notebook.newCall('channel', routes[0]).id)
  expect(new Set(names).size).toBe(3)
})
