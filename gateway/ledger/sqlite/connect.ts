import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import Database from 'better-sqlite3'
import { GatewayError } from '../../errors.ts'
import { checkSchema, migrate, NotALedgerError } from './migrate.ts'

/**
 * Opens a database file, makes it durable and brings its schema up to date.
 * @throws LedgerPathError, NotALedgerError, NewerSchemaError, EditedMigrationError
 */
export function connect(path: string, now: number, busyTimeout: number): Database.Database {
  let database: Database.Database | undefined
  try {
    if (path !== ':memory:') mkdirSync(dirname(path), { recursive: true })
    database = new Database(path, { timeout: busyTimeout })
    database.pragma('journal_mode = WAL')
    database.pragma('synchronous = FULL')
    database.pragma('journal_size_limit = 67108864')
    // Who copies the log into the file keeps everybody waiting: 4 MB of it take half as long as 8, and cost a call no more.
    database.pragma('wal_autocheckpoint = 1000')
    // What a statement may have to take back is kept in memory.
    database.pragma('temp_store = MEMORY')
    // 16 MB of pages. COMMIT walks through all that are cached whenever a tree has grown (SQLite moves pages to the number of the lock
    // page for a moment, and then looks for those beyond the end), so more of them cost each commit more than they save.
    database.pragma('cache_size = -16384')
    migrate(database, now)
    database.pragma('foreign_keys = ON')
    return database
  } catch (error) {
    database?.close()
    if (error instanceof GatewayError) throw error
    if (error instanceof Database.SqliteError && error.code === 'SQLITE_NOTADB')
      throw new NotALedgerError(path, error)
    throw new LedgerPathError(path, error)
  }
}

/**
 * Opens a database file to read from, beside whoever writes to it. It must be there and up to date.
 * @throws LedgerPathError, NotALedgerError, NewerSchemaError, EditedMigrationError, OlderSchemaError
 */
export function connectReadonly(path: string, busyTimeout: number): Database.Database {
  let database: Database.Database | undefined
  try {
    database = new Database(path, { timeout: busyTimeout, readonly: true, fileMustExist: true })
    checkSchema(database)
    return database
  } catch (error) {
    database?.close()
    if (error instanceof GatewayError) throw error
    if (error instanceof Database.SqliteError && error.code === 'SQLITE_NOTADB')
      throw new NotALedgerError(path, error)
    throw new LedgerPathError(path, error)
  }
}

/** The file can't be opened or written. */
export class LedgerPathError extends GatewayError {
  constructor(path: string, cause: unknown) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    super({
      message:
        `Ledger "${path}" could not be opened: ${reason}. ` +
        'Fix: name a path on a local disk, and let the user of this process write the file and its folder.',
      status: 500,
      code: 'ledger-path',
      cause,
    })
  }
}
