import Database from 'better-sqlite3'

/** How many rows a table has in the file: what other processes see. */
export function countRows(table: string, file: string): number {
  const database = new Database(file, { readonly: true })
  try {
    return database.prepare<[], { n: number }>(`SELECT count(*) AS n FROM ${table}`).get()?.n ?? 0
  } finally {
    database.close()
  }
}
