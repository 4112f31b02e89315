import type { Hex } from 'viem'
import type { Reorg } from '../../Reorg.ts'
import type { Books } from '../Books.ts'
import { sql } from '../sql.ts'

const find = sql<[chain: number], { block: number }>`SELECT block FROM cursors WHERE chain_id = ?`
const keep = sql<[chain: number, block: number]>`
  INSERT INTO cursors (chain_id, block) VALUES (?, ?)
  ON CONFLICT (chain_id) DO UPDATE SET block = excluded.block`
const marks = sql<[chain: number], { block: number; block_hash: Hex }>`
  SELECT block, block_hash FROM read_blocks WHERE chain_id = ? ORDER BY block DESC`
const mark = sql<[chain: number, block: number, hash: string]>`
  INSERT INTO read_blocks (chain_id, block, block_hash) VALUES (?, ?, ?)
  ON CONFLICT (chain_id, block) DO UPDATE SET block_hash = excluded.block_hash`
const unread = sql<[chain: number, from: number]>`DELETE FROM read_blocks WHERE chain_id = ? AND block >= ?`
const forget = sql<[chain: number, same: number, needed: number]>`
  DELETE FROM read_blocks WHERE chain_id = ?
    AND block < (SELECT max(block) FROM read_blocks WHERE chain_id = ? AND block <= ?)`

/** Next block the watcher must read; null before the first time. */
export function findCursor(books: Books, chainId: number): bigint | null {
  const row = books.get(find, chainId)
  return row === null ? null : BigInt(row.block)
}

/**
 * Where the watcher goes on. It may go back: the chain may have. With `read` only from where it was: whoever stepped back
 * meanwhile is not overruled.
 */
export function setCursor(books: Books, chainId: number, block: bigint, read?: Reorg.ReadTo): void {
  if (read !== undefined && findCursor(books, chainId) !== read.after) return
  books.run(keep, chainId, Number(block))
  books.run(unread, chainId, Number(block))
  if (read === undefined) return
  books.run(mark, chainId, Number(block - 1n), read.hash.toLowerCase())
  // The newest one that is old enough stays: what is above it is told by it.
  books.run(forget, chainId, chainId, Number(read.needed))
}

/** What was read from this block on is read again. */
export function stepBack(books: Books, chainId: number, block: bigint): void {
  const next = findCursor(books, chainId)
  if (next !== null && block < next) setCursor(books, chainId, block)
}

/** What the watcher has read up to, newest first. */
export function readBlocks(books: Books, chainId: number): Reorg.ReadBlock[] {
  return books.all(marks, chainId).map(({ block, block_hash: hash }) => ({ block: BigInt(block), hash }))
}
