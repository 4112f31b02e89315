import Database from 'better-sqlite3'
import { LedgerIntegrityError, LedgerUnavailableError } from '../errors.ts'

/** Says in our words what SQLite refused. Errors that are not SQLite's pass as they are. */
export function storageError(error: unknown): unknown {
  if (!(error instanceof Database.SqliteError)) return error
  if (isLocked(error))
    return new LedgerUnavailableError(
      'another process held the write lock for longer than the busy timeout. Nothing was applied; try again.',
      error,
    )
  if (error.code.startsWith('SQLITE_FULL'))
    return new LedgerUnavailableError('the disk is full. Fix: free space on its volume.', error)
  if (error.code.startsWith('SQLITE_READONLY') || error.code.startsWith('SQLITE_CANTOPEN'))
    return new LedgerUnavailableError(
      'the file is not writable. Fix: let the user of this process write the file and its folder.',
      error,
    )
  if (error.code.startsWith('SQLITE_IOERR'))
    return new LedgerUnavailableError(`the disk failed (${error.code}). Fix: check the volume.`, error)
  if (error.code.startsWith('SQLITE_CONSTRAINT'))
    return new LedgerIntegrityError(`${error.message} (${error.code})`, error)
  return error
}

/** Another process held the lock for longer than the busy timeout. */
export function isLocked(error: unknown): boolean {
  return error instanceof Database.SqliteError && /^SQLITE_(?:BUSY|LOCKED)/.test(error.code)
}
