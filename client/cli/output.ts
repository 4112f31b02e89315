import { writeSync } from 'node:fs'
import Table from 'cli-table3'

/** Data goes to standard output, everything said about it to standard error. */

/** Tells the person, not the pipe. */
export function note(text: string): void {
  writeSync(2, `${text}\n`)
}

/** Rows as a table on a terminal, as JSON elsewhere. Amounts in the JSON are base units, in the table decimal. */
export function show(rows: readonly Row[], json: boolean): void {
  process.stdout.write(json || process.stdout.isTTY !== true ? asJson(rows) : asTable(rows))
}

/** One line of output: what a program reads, and what a person reads. */
export type Row = { data: Record<string, unknown>; cells: Record<string, string> }

/** JSON of the rows; a bigint becomes decimal text. */
export function asJson(rows: readonly Row[]): string {
  const data = rows.map((row) => row.data)
  return `${JSON.stringify(data, (_key, value: unknown) => (typeof value === 'bigint' ? value.toString() : value), 2)}\n`
}

/** The rows as a table with a header. */
export function asTable(rows: readonly Row[]): string {
  const [first] = rows
  if (first === undefined) return 'Nothing.\n'
  const table = new Table({ head: Object.keys(first.cells), style: { head: [], border: [] } })
  for (const { cells } of rows) table.push(Object.values(cells))
  return `${table.toString()}\n`
}
