import type { Hex } from 'viem'
import type { Asset } from '../../Asset.ts'
import type { Ledger } from '../../Ledger.ts'
import type { Reorg } from '../../Reorg.ts'
import type { Books } from '../Books.ts'
import { sql } from '../sql.ts'

type Row = {
  id: number
  chain_id: number
  tx: Hex
  log_index: number
  block: number
  block_hash: Hex
  kind: Reorg.Kind
  subject: string
  asset: Asset
  amount: string
  state: Reorg.State
  reason: string | null
}

const upsert = sql<
  [
    chain: number,
    tx: string,
    log: number,
    block: number,
    blockHash: string,
    kind: string,
    subject: string,
    asset: string,
    amount: string,
    at: number,
  ]
>`
  INSERT INTO anchors
    (chain_id, tx, log_index, block, block_hash, kind, subject, asset, amount, state, updated_at)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 'standing', ?)
  ON CONFLICT (chain_id, tx, kind, subject) DO UPDATE SET log_index = excluded.log_index, block = excluded.block,
    block_hash = excluded.block_hash, amount = excluded.amount, state = 'standing', reason = NULL,
    updated_at = excluded.updated_at
  WHERE block_hash <> excluded.block_hash OR state IN ('missing', 'reversed')`
const watched = sql<[chain: number, limit: number], Row>`
  SELECT * FROM anchors WHERE chain_id = ? AND state <> 'final' ORDER BY block, id LIMIT ?`
const find = sql<[id: number], Row>`SELECT * FROM anchors WHERE id = ?`
const follow = sql<
  [
    state: string,
    reason: string | null,
    log: number | null,
    block: number | null,
    blockHash: string | null,
    at: number,
    id: number,
    state: string,
    reason: string | null,
    blockHash: string | null,
  ]
>`
  UPDATE anchors SET state = ?, reason = ?, log_index = coalesce(?, log_index), block = coalesce(?, block),
    block_hash = coalesce(?, block_hash), updated_at = ?
  WHERE id = ? AND (state <> ? OR reason IS NOT ? OR block_hash <> coalesce(?, block_hash))`

/** Writes down what is relied on. A place without its block's hash cannot be watched. */
export function anchor(
  books: Books,
  what: Pick<Reorg.Anchor, 'kind' | 'subject' | 'asset' | 'amount'>,
  ref: Ledger.ChainRef,
): void {
  if (ref.blockHash === undefined) return
  books.run(
    upsert,
    ref.chainId,
    ref.transaction.toLowerCase(),
    ref.logIndex,
    Number(ref.block),
    ref.blockHash.toLowerCase(),
    what.kind,
    what.subject,
    what.asset,
    String(what.amount),
    books.clock.now(),
  )
}

/** What is still watched, oldest block first. */
export function watchedAnchors(books: Books, chainId: number, limit: number): Reorg.Anchor[] {
  return books.all(watched, chainId, limit).map(toAnchor)
}

export function findAnchor(books: Books, id: number): Reorg.Anchor | null {
  const row = books.get(find, id)
  return row === null ? null : toAnchor(row)
}

/** Writes down what was seen. The same again changes nothing. */
export function seen(books: Books, changes: readonly Reorg.Seen[]): void {
  for (const { id, state, reason = null, place } of changes) {
    const hash = place?.blockHash.toLowerCase() ?? null
    const block = place === undefined ? null : Number(place.block)
    const at = books.clock.now()
    books.run(follow, state, reason, place?.logIndex ?? null, block, hash, at, id, state, reason, hash)
  }
}

function toAnchor(row: Row): Reorg.Anchor {
  return {
    id: row.id,
    kind: row.kind,
    subject: row.subject,
    asset: row.asset,
    amount: BigInt(row.amount),
    ref: {
      chainId: row.chain_id,
      transaction: row.tx,
      logIndex: row.log_index,
      block: BigInt(row.block),
      blockHash: row.block_hash,
    },
    state: row.state,
    reason: row.reason,
  }
}
