/** Rows of one table that were looked at: those to be moved, and the last one. `isFull`: there may be more. */
export type Page<Row, Place> = { moved: Row[]; last: Place; isFull: boolean }

/** What may be older than it says, or has ended later than it began. A call that takes longer than a day stays. */
export const dayMs = 86_400_000

/** Nothing: fewer are there than are worth a segment. */
export function none<Row, Place>(last: Place): Page<Row, Place> {
  return { moved: [], last, isFull: false }
}

/**
 * Rows up to the first young one. One that lies more than a day ahead was written by a wrong clock, and must not keep
 * those after it where they are.
 */
export function upToYoung<Row>(
  rows: readonly Row[],
  timeOf: (row: Row) => number,
  before: number,
  now: number,
): Row[] {
  return upTo(rows, (row) => timeOf(row) < before || timeOf(row) > now + dayMs)
}

/** Rows up to the first that is not old. */
export function upTo<Row>(rows: readonly Row[], isOld: (row: Row) => boolean): Row[] {
  const end = rows.findIndex((row) => !isOld(row))
  return rows.slice(0, end === -1 ? rows.length : end)
}
