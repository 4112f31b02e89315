import { afterAll, afterEach, beforeAll, beforeEach, expect } from 'vitest'
import { type LocalChain, startChain } from '../support/chain.ts'
import { type Taken, takenBack } from './taken-back.ts'

/** One chain for a file, a stage for each of its tests; after each, books and chain must agree and keep every law. */
export let local: LocalChain
export let stage: Taken
beforeAll(async () => {
  local = await startChain({ accounts: 2 })
})
afterAll(() => local.close())
beforeEach(() => setStage())
afterEach(async () => {
  expect(await stage.laws()).toEqual([])
  expect(await stage.differences()).toEqual([])
  await stage.close()
})

/** Another stage for this test, such as one with other options. */
export async function setStage(options?: Parameters<typeof takenBack>[1]): Promise<void> {
  stage = await takenBack(local, options)
}
