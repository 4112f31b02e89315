/** Rows of one table that are old: those to be moved, the last one that was looked at, and whether there may be more. */
export type Old<Row, Place> = { moved: Row[]; last: Place; more: boolean }

/** Rows up to the first one that is not old. */
export function upTo<Row>(rows: readonly Row[], isOld: (row: Row) => boolean): Row[] {
  const end = rows.findIndex((row) => !isOld(row))
  return rows.slice(0, end === -1 ? rows.length : end)
}
