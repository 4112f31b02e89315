import type { Hex } from 'viem'
import { describe, expect, test } from 'vitest'
import { readOn } from '../../gateway/settlement/read-on.ts'

const hashOf = (block: bigint, fork = 0): Hex => `0x${fork}${String(block).padStart(63, '0')}`
const at = (number: bigint, hash: Hex) => ({ number, hash, timestamp: 0 })

/** Read up to 100, by the hashes of 89, 94 and 99; the chain is another one from `fork` on, and ends at `head`. */
async function from(options: { fork?: bigint; head?: bigint; next?: bigint | null; read?: bigint[] } = {}) {
  const { fork = 1_000n, head = 1_000n, next = 100n, read = [99n, 94n, 89n] } = options
  const again: bigint[] = []
  const asked: bigint[] = []
  const result = await readOn({
    ledger: {
      cursor: async () => next,
      reorg: {
        readBlocks: async () => read.map((block) => ({ block, hash: hashOf(block) })),
        readAgain: async (_chain, block) => void again.push(block),
      },
    },
    chain: {
      id: 1,
      block: async (number) => {
        asked.push(number)
        return number > head ? null : at(number, hashOf(number, number >= fork ? 1 : 0))
      },
    },
    horizon: 12,
    fromBlock: 80n,
    report: () => {},
  })
  return { result, again, asked }
}

describe('readOn', () => {
  test('default: the last block read is as it was: reads on, after one question', async () => {
    expect(await from()).toEqual({ result: 100n, again: [], asked: [99n] })
  })

  test('behavior: another one now: reads again from the newest that is as it was', async () => {
    expect(await from({ fork: 99n })).toMatchObject({ result: 95n, again: [95n] })
    expect(await from({ fork: 90n })).toMatchObject({ result: 90n, again: [90n] })
  })

  test('behavior: none is as it was: as far back as a reorganisation reaches, never before the first block', async () => {
    expect(await from({ fork: 0n, read: [199n, 189n], next: 200n })).toMatchObject({ result: 178n })
    expect(await from({ fork: 0n })).toMatchObject({ result: 80n, again: [80n] })
  })

  test('behavior: a node that is behind says nothing; nor do books that never read', async () => {
    expect(await from({ head: 98n })).toMatchObject({ result: 100n, again: [] })
    expect(await from({ next: null, read: [] })).toMatchObject({ result: null, asked: [] })
    expect(await from({ read: [] })).toMatchObject({ result: 100n, asked: [] })
  })
})
