import type { Chain } from '../chain/Chain.ts'
import type { Report } from '../chain/Report.ts'
import type { Ledger } from '../ledger/Ledger.ts'

/**
 * The block from which the watcher must read on; null before the first time. It remembers by their hashes the blocks that
 * it has read up to. Where the newest of them is another one now, the chain was reorganised below the cursor, and what
 * moved there may have been read as it was before: the books step back to the newest block that is as it was, or by
 * `horizon` blocks when none of them is.
 */
export async function readOn(context: readOn.Context): Promise<bigint | null> {
  const { ledger, chain, horizon, fromBlock, report } = context
  const next = await ledger.cursor(chain.id)
  const read = await ledger.reorg.readBlocks(chain.id)
  const [newest] = read
  if (next === null || newest === undefined) return next
  let from: bigint | null = null
  for (const { block, hash } of read) {
    const found = await chain.block(block)
    // A node that has not come that far says nothing about it.
    if (found === null && block === newest.block) return next
    if (found?.hash !== hash) continue
    if (block === newest.block) return next
    from = block + 1n
    break
  }
  const oldest = read.at(-1) ?? newest
  const back = from ?? oldest.block + 1n - BigInt(horizon)
  const first = back < fromBlock ? fromBlock : back
  await ledger.reorg.readAgain(chain.id, first)
  report('warn', 'chain-read-again', { from: first, before: next })
  return first
}

export declare namespace readOn {
  type Context = {
    ledger: Pick<Ledger, 'cursor'> & { reorg: Pick<Ledger['reorg'], 'readBlocks' | 'readAgain'> }
    chain: Pick<Chain, 'id' | 'block'>
    /** How many blocks a reorganisation may take back. */
    horizon: number
    /** Oldest block worth reading. */
    fromBlock: bigint
    report: Report
  }
}
