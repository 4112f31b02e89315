import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Database } from 'better-sqlite3'
import { GatewayError } from '../../errors.ts'
import { LedgerIntegrityError } from '../errors.ts'

/** Where the numbered migrations are. Append only: one that was released is never edited. */
export const migrations = join(import.meta.dirname, 'migrations')

/** "frth": marks a file as ours. */
const applicationId = 0x66727468

/**
 * Brings a database to the newest schema, in one transaction; several processes may open one file at once.
 * @throws NotALedgerError, NewerSchemaError, EditedMigrationError, JournalNotEmptyError
 */
export function migrate(database: Database, now: number, directory = migrations): void {
  const known = readMigrations(directory)
  const apply = database.transaction(() => {
    claimFile(database)
    const applied = readApplied(database, known)
    const record = database.prepare<[number, string, string, number]>(
      'INSERT INTO migrations (version, name, hash, applied_at) VALUES (?, ?, ?, ?)',
    )
    if (applied.length < known.length) refuseJournal(database)
    for (const migration of known.slice(applied.length)) {
      database.exec(migration.text)
      record.run(migration.version, migration.name, migration.hash, now)
    }
    if (applied.length < known.length) checkReferences(database)
  })
  // A table that is made anew is dropped while others refer to it. This is heard only outside of a transaction.
  database.pragma('foreign_keys = OFF')
  try {
    apply.immediate()
  } finally {
    database.pragma('foreign_keys = ON')
  }
}

/**
 * Checks that a database has the newest schema, without changing it.
 * @throws NotALedgerError, NewerSchemaError, EditedMigrationError, OlderSchemaError
 */
export function checkSchema(database: Database, directory = migrations): void {
  if (database.pragma('application_id', { simple: true }) !== applicationId)
    throw new NotALedgerError(database.name)
  const known = readMigrations(directory)
  const applied = readApplied(database, known)
  const [next] = known.slice(applied.length)
  if (next !== undefined) throw new OlderSchemaError(database.name, next.name)
}

/** What is in the journal names columns as they are: whoever wrote it brings it to the tables. */
function refuseJournal(database: Database): void {
  const exists = database
    .prepare("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'journal'")
    .get()
  if (exists !== undefined && database.prepare('SELECT 1 FROM journal LIMIT 1').get() !== undefined)
    throw new JournalNotEmptyError(database.name)
}

/** Tables are made anew without their references being checked, so all of them are afterwards. */
function checkReferences(database: Database): void {
  const broken = database.pragma('foreign_key_check') as unknown[]
  if (broken.length > 0)
    throw new LedgerIntegrityError(`${broken.length} rows refer to rows that are not there`)
}

/** The migrations a database has, each of them one that we know, as we know it. */
function readApplied(database: Database, known: readonly Migration[]): Applied[] {
  const applied = database
    .prepare<[], Applied>('SELECT version, name, hash FROM migrations ORDER BY version')
    .all()
  for (const row of applied) {
    const file = known.find((migration) => migration.version === row.version)
    if (file === undefined) throw new NewerSchemaError(database.name, row.name, known.at(-1)?.name)
    if (file.hash !== row.hash) throw new EditedMigrationError(database.name, row.name)
  }
  return applied
}

/** Refuses another program's database; makes an empty one ours. */
function claimFile(database: Database): void {
  const id = database.pragma('application_id', { simple: true })
  if (id === applicationId) return
  const objects = database.prepare<[], { count: number }>('SELECT count(*) AS count FROM sqlite_schema').get()
  if (id !== 0 || objects?.count !== 0) throw new NotALedgerError(database.name)
  database.pragma(`application_id = ${applicationId}`)
  database.exec(
    `CREATE TABLE migrations (
  version INTEGER PRIMARY KEY,
  name TEXT NOT NULL,
  hash TEXT NOT NULL,
  applied_at INTEGER NOT NULL
) STRICT`,
  )
}

type Applied = { version: number; name: string; hash: string }
type Migration = Applied & { text: string }

/** The migrations of a folder, in order. Their numbers are 1, 2, 3 … without a gap. */
function readMigrations(directory: string): Migration[] {
  const names = readdirSync(directory).filter((name) => /^\d{4}-[a-z0-9-]+\.sql$/.test(name))
  return names.sort().map((name, index) => {
    const version = Number(name.slice(0, 4))
    if (version !== index + 1)
      throw new GatewayError({
        message: `Migration "${name}" stands where number ${index + 1} is due. Fix: number migrations without a gap.`,
        status: 500,
        code: 'ledger-migration-gap',
      })
    const text = readFileSync(join(directory, name), 'utf8')
    return { version, name, text, hash: createHash('sha256').update(text).digest('hex') }
  })
}

/** The file belongs to another program. */
export class NotALedgerError extends GatewayError {
  constructor(path: string, cause?: unknown) {
    super({
      message: `"${path}" is not a Farthing ledger. Fix: name another path, or move that file away.`,
      status: 500,
      code: 'not-a-ledger',
      ...(cause === undefined ? {} : { cause }),
    })
  }
}

/** The process that wrote the file last died with work in the journal, and the schema is older than the code. */
export class JournalNotEmptyError extends GatewayError {
  constructor(path: string) {
    super({
      message:
        `Ledger "${path}" has a journal that is not in its tables yet, and this version changes them. ` +
        'Fix: start the version of Farthing that wrote it once, and stop it.',
      status: 500,
      code: 'ledger-journal',
    })
  }
}

/** The file was written by a newer version of the code. */
export class NewerSchemaError extends GatewayError {
  constructor(path: string, found: string, newest: string | undefined) {
    super({
      message:
        `Ledger "${path}" has migration "${found}"; this version knows none after "${newest ?? 'none'}". ` +
        'Fix: run the version of Farthing that wrote it, or a newer one.',
      status: 500,
      code: 'ledger-newer-schema',
    })
  }
}

/** The file is older than the code, and may not be changed here. */
export class OlderSchemaError extends GatewayError {
  constructor(path: string, missing: string) {
    super({
      message:
        `Ledger "${path}" does not have migration "${missing}" yet, and was opened only to be read. ` +
        'Fix: start the gateway of this version once; it brings the file up to date.',
      status: 500,
      code: 'ledger-older-schema',
    })
  }
}

/** A migration that this file was made with has been edited since. */
export class EditedMigrationError extends GatewayError {
  constructor(path: string, name: string) {
    super({
      message:
        `Migration "${name}" is not what ledger "${path}" was made with. ` +
        'Fix: restore that file from its release, and put the change into a new migration.',
      status: 500,
      code: 'ledger-edited-migration',
    })
  }
}
