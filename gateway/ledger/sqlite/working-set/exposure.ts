import type { Books } from '../Books.ts'
import { sql } from '../sql.ts'
import { WriteBehind } from './WriteBehind.ts'

const find = sql<[asset: string], { unsettled: string }>`SELECT unsettled FROM exposure WHERE asset = ?`
export const saveUnsettled = sql<[asset: string, unsettled: string]>`
  INSERT INTO exposure (asset, unsettled) VALUES (?, ?)
  ON CONFLICT (asset) DO UPDATE SET unsettled = excluded.unsettled`

/** The counter of an asset, or null where there is none yet. */
export function unsettledOf(books: Books, asset: string): bigint | null {
  const known = books.rows.unsettled.get(asset)
  if (known !== undefined) return known
  const row = books.load(find, asset)
  return row === null ? null : books.rows.unsettled.keep(asset, BigInt(row.unsettled))
}

/** The counters, by asset. */
export function exposure(books: Books): WriteBehind<bigint> {
  return new WriteBehind({
    write(changes) {
      for (const { key, row } of changes) books.write(saveUnsettled, key, String(row))
    },
    kept: (unsettled) => unsettled,
    entry: (asset, unsettled) => ['exposure', asset, String(unsettled)],
    isSound: (_asset, unsettled) => unsettled >= 0n,
  })
}
