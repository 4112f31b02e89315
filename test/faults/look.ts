import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import type { Ledger } from '../../gateway/ledger/Ledger.ts'
import { openSqliteLedger } from '../../gateway/ledger/sqlite/open-sqlite-ledger.ts'

/**
 * Reads the books as they are now, of a process that runs, stands still, or is gone, and leaves them as they are: a copy is opened, which
 * writes what waits in the journal into its own tables.
 */
export async function look<Result>(
  database: string,
  ask: (books: Ledger) => Promise<Result>,
): Promise<Result> {
  const folder = await mkdtemp(join(tmpdir(), 'farthing-look-'))
  try {
    const path = join(folder, 'ledger.sqlite')
    const original = new Database(database, { readonly: true })
    try {
      await original.backup(path)
    } finally {
      original.close()
    }
    const books = await openSqliteLedger({ path })
    try {
      return await ask(books)
    } finally {
      await books.close()
    }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
