import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { dumpSchema } from '../gateway/ledger/sqlite/dump-schema.ts'

/** Writes `gateway/ledger/sqlite/schema.sql` from a freshly migrated database; `--check` only compares. */
const path = join(import.meta.dirname, '../gateway/ledger/sqlite/schema.sql')
const schema = dumpSchema()

if (!process.argv.includes('--check')) {
  writeFileSync(path, schema)
} else if (readFileSync(path, 'utf8') !== schema) {
  console.error(
    'gateway/ledger/sqlite/schema.sql is not what the migrations make. Fix: node scripts/schema.ts',
  )
  process.exitCode = 1
}
