import type { Books } from '../Books.ts'
import { sql } from '../sql.ts'

const find = sql<[chain: number], { block: number }>`SELECT block FROM cursors WHERE chain_id = ?`
const keep = sql<[chain: number, block: number]>`
  INSERT INTO cursors (chain_id, block) VALUES (?, ?)
  ON CONFLICT (chain_id) DO UPDATE SET block = excluded.block`

/** Next block the watcher must read; null before the first time. */
export function findCursor(books: Books, chainId: number): bigint | null {
  const row = books.get(find, chainId)
  return row === null ? null : BigInt(row.block)
}

/** Where the watcher goes on. It may go back: the chain may have. */
export function setCursor(books: Books, chainId: number, block: bigint): void {
  books.run(keep, chainId, Number(block))
}
