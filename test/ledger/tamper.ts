import Database from 'better-sqlite3'

/** Someone with the file open goes around every rule of the schema. */
export function tamper(path: string, change: string | ((database: Database.Database) => void)): void {
  const database = new Database(path)
  const triggers = database
    .prepare<[], { name: string }>("SELECT name FROM sqlite_schema WHERE type = 'trigger'")
    .all()
  for (const { name } of triggers) database.exec(`DROP TRIGGER ${name}`)
  database.pragma('foreign_keys = OFF')
  database.pragma('ignore_check_constraints = ON')
  if (typeof change === 'string') database.exec(change)
  else change(database)
  database.close()
}
