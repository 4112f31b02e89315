import Database from 'better-sqlite3'

/**
 * A process of its own that takes the write lock of a database and keeps it: for some milliseconds, or until it is told to
 * let go. Run: `node hold-the-lock.ts FILE [MILLISECONDS]`.
 */
const [, , file = '', milliseconds] = process.argv
const database = new Database(file)
database.exec('BEGIN IMMEDIATE')
process.send?.('locked')
const letGo = () => {
  database.exec('ROLLBACK')
  process.exit(0)
}
process.once('message', letGo)
if (milliseconds !== undefined) setTimeout(letGo, Number(milliseconds))
