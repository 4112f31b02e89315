import type { Books } from '../Books.ts'
import { sql } from '../sql.ts'

const find = sql<[asset: string], { unsettled: string }>`SELECT unsettled FROM exposure WHERE asset = ?`
const write = sql<[asset: string, unsettled: string]>`
  INSERT INTO exposure (asset, unsettled) VALUES (?, ?)
  ON CONFLICT (asset) DO UPDATE SET unsettled = excluded.unsettled`

/** The counter of an asset, or null where there is none yet. */
export function unsettledOf(books: Books, asset: string): bigint | null {
  const known = books.rows.unsettled.get(asset)
  if (known !== undefined) return known
  const row = books.load(find, asset)
  return row === null ? null : books.rows.unsettled.keep(asset, BigInt(row.unsettled))
}

export function writeUnsettled(books: Books, asset: string, unsettled: bigint): void {
  books.write(write, asset, String(unsettled))
}
